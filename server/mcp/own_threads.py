"""Whose a thread is, over MCP: clients without a key are told apart by their sessions."""

from typing import Any

from mcp.server.mcpserver import Context
from mcp.server.streamable_http import MCP_SESSION_ID_HEADER

from imagerag.server.thread_history import thread_name


def own_thread(client: str, name: str, ctx: Context[Any, Any]) -> str:
    """Return the thread that a client means by a name.

    Raises:
        UserError: it is no name.
    """
    return thread_name(name, client, (ctx.headers or {}).get(MCP_SESSION_ID_HEADER, ""))
