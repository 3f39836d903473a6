"""What the MCP server does beyond the SDK's: it knows whose a request is, and refuses a wrong one as its sender's."""

import asyncio
import inspect
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, TextIO

import anyio
from mcp.server import MCPServer
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp.server.stdio import stdio_server
from mcp.types import CallToolResult, GetPromptResult, InputRequiredResult, TextContent, Tool
from mcp.types import Resource as ListedResource
from pydantic import ValidationError

from imagerag.server.database import ANONYMOUS
from imagerag.server.mcp.prompts import MOST, checked_arguments
from imagerag.server.mcp.results import address
from imagerag.server.run_summary import clipped
from imagerag.server.service import Service

ClientOf = Callable[[Mapping[str, str] | None], str]
"""Tells from a request's headers (``None`` on stdio) whose it is."""

MAX_FAULTS = 10
"""Arguments that one error names."""


class ToolServer(MCPServer[Any]):
    """Lists, besides what is fixed, the newest images of the client who asks, and of no other.

    Args:
        service: the engine.
        client_of: whose a request is.
        about: arguments of the SDK's server.
    """

    def __init__(self, service: Service, client_of: ClientOf, **about: Any) -> None:
        super().__init__(**about)
        self._service = service
        self._client_of = client_of
        # The SDK tells neither what lists resources nor what completes arguments whose request it is.
        self._asking: ContextVar[str] = ContextVar("asking client", default=ANONYMOUS)
        self.middleware.append(self._remember_client)

    def serve_stdio(self, messages: TextIO) -> None:
        """Serve over standard input until the client closes it.

        Args:
            messages: takes the answers, in UTF-8; the SDK's own would be whatever descriptor 1 leads to by then.
        """

        async def serve() -> None:
            async with stdio_server(stdout=anyio.wrap_file(messages)) as (requests, answers):
                server = self._lowlevel_server
                await server.run(requests, answers, server.create_initialization_options())

        anyio.run(serve)

    def asking_client(self) -> str:
        """Return whose the request at hand is; outside of any, the client's who is shown no list."""
        return self._asking.get()

    async def list_tools(self) -> list[Tool]:
        """Return the tools, described without the indentation of their source."""
        return [
            tool.model_copy(update={"description": inspect.cleandoc(tool.description or "")})
            for tool in await super().list_tools()
        ]

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Call a tool; arguments that it does not take are told of in the result: some clients add their own.

        Raises:
            ToolError: no such tool, arguments that don't fit, or what the tool says it can't do.
        """
        tool = next((one for one in await self.list_tools() if one.name == name), None)
        takes = list(tool.input_schema.get("properties", {})) if tool else []
        strange = [key for key in arguments if key not in takes] if tool else []
        try:
            result = await super().call_tool(name, arguments, context)
        except ToolError as error:
            if isinstance(error, UnexpectedToolError) or not isinstance(error.__cause__, ValidationError):
                raise
            raise ToolError(f"{name}: {_faults(error.__cause__)}") from error.__cause__
        if strange and isinstance(result, CallToolResult):
            result.content.append(TextContent(type="text", text=_ignored(name, strange, takes)))
        return result

    async def list_resources(self) -> list[ListedResource]:
        """Return the fixed resources, and the newest images of the client who asks."""
        entries = await asyncio.to_thread(self._service.latest, self.asking_client())
        images = [
            ListedResource(
                uri=address(entry.id), name=f"{entry.thread}/{entry.name}", title=entry.title, mime_type="image/png"
            )
            for entry in entries
        ]
        return [*await super().list_resources(), *images]

    async def get_prompt(
        self, name: str, arguments: dict[str, Any] | None = None, context: Context[Any, Any] | None = None
    ) -> GetPromptResult | InputRequiredResult:
        """Return a prompt filled in; what the SDK tells of as a defect of ours is an error of the request here.

        Raises:
            MCPError: no such prompt or argument, or one that it needs is missing (-32602).
        """
        given = checked_arguments(await self.list_prompts(), name, arguments)
        return await super().get_prompt(name, given, context)

    async def _remember_client(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        before = self._asking.set(self._client_of(getattr(ctx.request, "headers", None)))
        try:
            return await call_next(ctx)
        finally:
            self._asking.reset(before)


def _ignored(tool: str, strange: Sequence[str], takes: Sequence[str]) -> str:
    named = ", ".join(repr(clipped(name, MOST)) for name in strange[:MAX_FAULTS])
    return f"ignored, for {tool} takes no such argument: {named}; valid: {', '.join(takes) or 'none'}"


def _faults(error: ValidationError) -> str:
    """Return in one line which arguments don't fit, and why."""
    words = []
    for fault in error.errors(include_url=False)[:MAX_FAULTS]:
        place = ".".join(str(part) for part in fault["loc"])
        given = "" if fault["type"] == "missing" else f", not {clipped(repr(fault['input']), MOST)}"
        words.append(f"{place}: {fault['msg']}{given}")
    return "; ".join(words)
