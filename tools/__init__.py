"""The five tools a model can call: generate, inspect, propose captions, search, regenerate with references."""

from imagerag.tools.five import make_tools
from imagerag.tools.workbench import Workbench

__all__ = ["Workbench", "make_tools"]
