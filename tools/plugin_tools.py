"""Tools that installed packages add for chat models: entry points of the group ``imagerag.tools``."""

from collections.abc import Callable, Sequence

from langchain_core.tools import BaseTool

from imagerag.errors import UserError
from imagerag.plugins import installed, load_plugin
from imagerag.tool_registry import TOOLS
from imagerag.tools.session import ToolSession

ToolFactory = Callable[[Callable[[], ToolSession]], Sequence[BaseTool]]
"""What stands behind the entry point: given what returns the session at the time of a call, it returns the tools."""


def load_plugin_tools(session: Callable[[], ToolSession]) -> list[BaseTool]:
    """Return the tools of every installed package.

    Raises:
        UserError: a package can't be imported, or two tools have one name.
    """
    tools: dict[str, BaseTool] = {}
    for name, plugin in installed("tools").items():
        factory: ToolFactory = load_plugin("tools", name)
        for tool in factory(session):
            if tool.name in TOOLS or tool.name in tools:
                raise UserError(
                    f"the tool {tool.name!r} of the package {plugin.package!r} has the name of another tool; "
                    "rename it there, or uninstall the package"
                )
            tools[tool.name] = tool
    return list(tools.values())
