"""Answers to bodies that are not read to their end: the connection is closed after them, or the rest would follow."""

import asyncio
from contextlib import suppress

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

CLOSING = ((b"connection", b"close"),)
"""Header of such an answer."""
LINGER_SECONDS = 1.0
"""For which the rest of a body is read and thrown away before the connection is closed ..."""
LINGER_BYTES = 2**20
"""... and the most of it. A connection that is closed while something lies unread in it is reset, and some clients then
never see the answer (RFC 9112 section 9.6)."""


def lingering(receive: Receive, send: Send) -> Send:
    """Return what sends an answer, and puts off its end until the client has had time to read it.

    Args:
        receive: brings the rest of the body.
        send: of the request.
    """

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            await send({**message, "more_body": True})
            await _linger(receive)
            message = {"type": "http.response.body", "body": b""}
        await send(message)

    return sent


class ClosingResponse(Response):
    """Sends another response, lingers, and closes.

    Args:
        answer: the other one.
    """

    def __init__(self, answer: Response) -> None:
        self._answer = answer
        answer.headers["connection"] = "close"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._answer(scope, receive, lingering(receive, send))


async def _linger(receive: Receive) -> None:
    left = LINGER_BYTES
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            while left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return
