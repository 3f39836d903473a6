"""Image generation that knows what it does not know, looks it up, and tries again.

The subpackages lie in the repository's root folders of the same names (``agent/``, ``tools/``, ``graphs/`` ...).
An installed wheel maps them here; in a plain checkout, links in this folder do, so that type checkers and
``python -m imagerag`` see the same tree. Nothing heavy is imported here: ``draw`` and ``Result`` come on first use.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imagerag.graphs.draw import draw
    from imagerag.graphs.result import Result

__all__ = ["Result", "__version__", "draw"]

__version__ = "0.2.0"


def __getattr__(name: str) -> Any:
    """Import what is for programs when it is first asked for."""
    import importlib

    homes = {"draw": "imagerag.graphs.draw", "Result": "imagerag.graphs.result"}
    if name not in homes:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(homes[name]), name)
