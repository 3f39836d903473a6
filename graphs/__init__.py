"""The LangGraph state machines: the agent's loop and the paper's one-pass pipeline."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imagerag.graphs.agent_graph import build_graph
    from imagerag.settings import Settings

__all__ = ["Settings", "build_graph"]


def __getattr__(name: str) -> Any:
    """Import on first use: the command line's ``--help`` needs the settings, not LangGraph."""
    if name == "build_graph":
        from imagerag.graphs.agent_graph import build_graph

        return build_graph
    if name == "Settings":
        from imagerag.settings import Settings

        return Settings
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
