"""How many sessions of the MCP server are open: those that clients have left are ended, the longest unused first.

The SDK keeps a session for 30 minutes after its last request, and up to 10,000 of them. Each holds about 230 KiB
(measured over 1,000), and the last result that went through it, which may be an image of a megabyte; many clients open
one for each call and end none.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mcp.server.streamable_http import MCP_SESSION_ID_HEADER
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_OPEN = 256
"""Sessions that stay open though nothing is asked in them."""
MOST_BUSY = 1024
"""Sessions in all; while so many are in use, the SDK answers 503 to whoever opens another."""

_KEY = MCP_SESSION_ID_HEADER.encode("ascii")


@dataclass
class _Session:
    """An open session.

    Attributes:
        id: as it travels in the header.
        client: whose it is.
        requests: under way in it, a stream that listens among them.
    """

    id: str
    client: str
    requests: int = 0


class Sessions:
    """Passes requests on to the SDK's application, and ends sessions where too many are open.

    A client whose session was ended is answered 404 and opens another one, as the protocol asks of it ("Session
    Management" of the Streamable HTTP transport). Of the client with the most sessions, the one goes that was used
    longest ago; none goes in which a request is under way.

    Args:
        app: the SDK's.
        client_of: whose a request is, by its headers.
        most: sessions that stay open.
    """

    def __init__(self, app: ASGIApp, client_of: Callable[[Mapping[str, str]], str], most: int) -> None:
        self._app = app
        self._client_of = client_of
        self._most = most
        self._open: OrderedDict[str, _Session] = OrderedDict()  # the one used longest ago comes first

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request.

        Raises:
            ClientDisconnect: the client has gone before all of the request had come.
        """
        headers = Headers(scope=scope)
        if scope["method"] == "POST":
            receive = await _with_whole_body(receive)
        asked = headers.get(MCP_SESSION_ID_HEADER)
        session = self._open.get(asked) if asked is not None else None
        if session is not None:
            session.requests += 1
            self._open.move_to_end(session.id)

        async def heed(message: Message) -> None:
            nonlocal session
            if message["type"] == "http.response.start":
                name = Headers(raw=message["headers"]).get(MCP_SESSION_ID_HEADER)
                if asked is None and name is not None and message["status"] < 400:
                    session = self._open[name] = _Session(name, self._client_of(headers), requests=1)
                elif session is not None and (message["status"] == 404 or scope["method"] == "DELETE"):
                    self._open.pop(session.id, None)
            await send(message)

        try:
            await self._app(scope, receive, heed)
        finally:
            if session is not None:
                session.requests -= 1
        if asked is None:
            await self._end_unused(scope)

    async def _end_unused(self, scope: Scope) -> None:
        """End sessions until there are no more than stay open.

        Args:
            scope: of the request that has opened one.
        """
        while len(self._open) > self._most:
            sessions = Counter(session.client for session in self._open.values())
            unused = [session for session in self._open.values() if not session.requests]
            if not unused:
                return
            ended = max(unused, key=lambda session: sessions[session.client])
            del self._open[ended.id]
            # As its client would, by the protocol's own request: the SDK has no other way.
            kept = [(name, value) for name, value in scope["headers"] if name == b"host"]
            headers = [*kept, (_KEY, ended.id.encode("ascii"))]
            await self._app({**scope, "method": "DELETE", "headers": headers}, _nothing, _ignore)


async def _with_whole_body(receive: Receive) -> Receive:
    """Return what brings a body in one message: the SDK logs a traceback where one breaks off, as if it had failed.

    The body is words alone, and bounded.
    """
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        more = message.get("more_body", False)
    whole: list[Message] = [{"type": "http.request", "body": bytes(body), "more_body": False}]

    async def received() -> Message:
        return whole.pop() if whole else await receive()

    return received


async def _nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _ignore(message: Message) -> None:
    """Take an answer that nobody waits for."""
