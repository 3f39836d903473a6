"""A name for each request, in its answer and in the server's log, so that both can be found from either side."""

import re
import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUEST_ID = "x-request-id"
_NAME = re.compile(r"[\w.:/+=-]{1,200}", re.ASCII)


class RequestIds:
    """ASGI middleware that gives each answer the header ``x-request-id``: the client's own, or a new one.

    Args:
        app: what comes behind; it finds the name in the scope, under ``imagerag.request_id``.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID, "")
        name = given if _NAME.fullmatch(given) else f"req_{secrets.token_hex(12)}"
        scope["imagerag.request_id"] = name

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[REQUEST_ID] = name
            await send(message)

        await self._app(scope, receive, send_named)
