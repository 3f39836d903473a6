"""Tools that installed packages add for chat models: entry points of the group ``imagerag.tools``."""

from collections.abc import Callable, Sequence

from langchain_core.tools import BaseTool

from imagerag.errors import UserError
from imagerag.plugins import installed, make
from imagerag.tool_registry import TOOLS
from imagerag.tools.session import ToolSession


def load_plugin_tools(session: Callable[[], ToolSession]) -> list[BaseTool]:
    """Return the tools of every installed package.

    Behind each entry point stands a function that is given ``session``, which returns the session at the time of a
    call, and returns a list of LangChain tools.

    Raises:
        UserError: a package can't be imported, or two tools have one name.
    """
    tools: dict[str, BaseTool] = {}
    for name, plugin in installed("tools").items():
        made: Sequence[BaseTool] = make("tools", name, session)
        for tool in made:
            if tool.name in TOOLS or tool.name in tools:
                raise UserError(
                    f"the tool {tool.name!r} of the package {plugin.package!r} has the name of another tool; "
                    "rename it there, or uninstall the package"
                )
            tools[tool.name] = tool
    return list(tools.values())
