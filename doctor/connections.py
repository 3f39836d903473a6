"""Whether the servers that hold references and offer tools are there: Chroma and MCP."""

from __future__ import annotations

import shutil

from imagerag.doctor.finding import Finding, of_error, ok, wrong
from imagerag.errors import UserError
from imagerag.index.chroma_client import http_client
from imagerag.index.user_libraries import is_searched_by_mcp
from imagerag.profiles.resolve import RunSettings
from imagerag.shell_words import shown_server, split_command
from imagerag.store.home import home_path
from imagerag.tools.mcp_search import McpSearch
from imagerag.tools.mcp_tools import mount
from imagerag.tools.session import current_session


def check_chroma(settings: RunSettings) -> list[Finding]:
    """Return whether the Chroma server that is named answers, within the seconds that a run gives it."""
    if settings.chroma is None:
        return []
    try:
        http_client(settings.chroma)
    except UserError as error:
        return [of_error("chroma", error)]
    return [ok("chroma", f"the Chroma server at {settings.chroma!r} answers")]


def check_tools(settings: RunSettings, offline: bool) -> list[Finding]:
    """Return whether MCP servers are there and have the tools that are allowed.

    Args:
        settings: of the run; what is a command is started, as the run starts it.
        offline: start and ask none; of commands, look only whether there are such.
    """
    if offline:
        return [found for server in settings.mcp_server for found in _of_command(server)]
    try:
        searched = [
            McpSearch(name, settings.mcp_server, settings.mcp_allow).tool()
            for name in settings.library
            if is_searched_by_mcp(home_path(settings.home), name)
        ]
        offered = bool(settings.mcp_allow) or not searched
        tools = mount(settings.mcp_server, settings.mcp_allow, current_session) if offered else []
    except UserError as error:
        return [of_error("tools", error)]
    servers = ", ".join(repr(shown_server(server)) for server in settings.mcp_server)
    found = [ok("tools", f"{servers} offers {', '.join(tool.name for tool in tools)}")] if tools else []
    return found + [ok("tools", f"references are searched by {one.name!r}, asked {one.words!r}") for one in searched]


def _of_command(server: str) -> list[Finding]:
    if server.lower().startswith(("http:", "https:")):
        return []
    try:
        words = split_command(server)
    except ValueError as error:
        words, told = [], f" ({error})"
    else:
        told = ""
    if words and shutil.which(words[0]):
        return [ok("tools", f"mcp_server {shown_server(server)!r} is a command that is there")]
    mend = "give --mcp-server 'COMMAND ARGS' or an address, or leave it out"
    return [wrong("tools", f"mcp_server {shown_server(server)!r} is no command that is there{told}", mend)]
