"""Image generation that knows what it does not know, looks it up, and tries again.

The subpackages lie in the repository's root folders of the same names (``agent/``, ``tools/``, ``graphs/`` ...).
An installed wheel maps them here; in a plain checkout, links in this folder do, so that type checkers and
``python -m imagerag`` see the same tree. Nothing heavy is imported here.
"""

__version__ = "0.2.0"
