"""What the MCP server does beyond the SDK's: it knows whose a request is, and refuses a wrong one as its sender's."""

import asyncio
import inspect
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from mcp.server import MCPServer
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver import Context
from mcp.types import GetPromptResult, InputRequiredResult
from mcp.types import Resource as ListedResource

from imagerag.server.database import ANONYMOUS
from imagerag.server.mcp.prompts import checked_arguments
from imagerag.server.mcp.results import address
from imagerag.server.service import Service

ClientOf = Callable[[Mapping[str, str] | None], str]
"""Tells from a request's headers (``None`` on stdio) whose it is."""


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

    def asking_client(self) -> str:
        """Return whose the request at hand is; outside of any, the client's who is shown no list."""
        return self._asking.get()

    def add_tool(self, fn: Callable[..., Any], **about: Any) -> None:
        """Offer a function as a tool, described without its source's indentation."""
        about["description"] = inspect.cleandoc(about.get("description") or fn.__doc__ or "")
        super().add_tool(fn, **about)

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
