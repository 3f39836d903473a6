"""The five tools a model can call: generate, inspect, propose captions, search, regenerate with references."""

from imagerag.tools.builtin import make_tools
from imagerag.tools.session import ToolSession

__all__ = ["ToolSession", "make_tools"]
