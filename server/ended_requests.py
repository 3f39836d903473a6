"""What a client is told whose request the end of the server cuts off."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imagerag.server.api_error import ApiError


class EndedRequests:
    """Answers a request that is cancelled because the server ends; one that has begun to be answered just breaks off.

    uvicorn cancels what still is under way when its time to end is over, and logs a traceback of what comes of that.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        begun = False

        async def sent(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, sent)
        except asyncio.CancelledError:
            if scope["type"] != "http":
                raise
            if not begun:
                text = "the server is ending; what has been drawn by now is kept in the conversation"
                await ApiError(503, text, "server_ending").response()(scope, receive, send)
