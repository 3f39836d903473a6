"""Connections that hold what others need: they send half a request, a head without an end, or are many and idle."""

import asyncio
from typing import Any

HEADER_SECONDS = 20.0
"""For which a connection may be without a whole head of a request, from its beginning or the end of the last answer."""
BODY_SECONDS = 30.0
"""For which a body may take whatever its size ..."""
BODY_RATE = 32 * 2**10
"""... and the bytes that it has to bring in each second beyond."""


HEAD_BYTES = 64 * 2**10
"""Of a request's line and headers, as in h11; httptools knows no bound. What one read brings comes on top."""
MOST_CONNECTIONS = 512
"""Beyond which the one that has been idle is closed for each new one; systems let a process have 1,024 open files."""
TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class TooSlow(Exception):
    """A body comes too slowly."""

    def __init__(self) -> None:
        super().__init__(f"the request came too slowly: fewer than {BODY_RATE} bytes a second; send it again")


def seconds_left(began: float, now: float, received: int) -> float:
    """Return for how long the next piece of a body may be waited for.

    Args:
        began, now: seconds of one clock.
        received: bytes so far.
    """
    return began + BODY_SECONDS + received / BODY_RATE - now


def with_head_limit(protocol: type[asyncio.Protocol], seconds: float | None = None) -> type[asyncio.Protocol]:
    """Return uvicorn's protocol, which closes connections that don't bring a head in time or without an end.

    Of very many connections it closes the idle ones.

    Args:
        protocol: of HTTP/1.1, whichever uvicorn has chosen; it tells by ``cycle`` which request is being answered, and
            closes by itself a connection that is kept alive and silent.
        seconds: ``HEADER_SECONDS`` unless given.
    """
    limit = HEADER_SECONDS if seconds is None else seconds
    open_ones: dict[Any, None] = {}

    class Limited(protocol):  # type: ignore[valid-type,misc]
        _look: asyncio.TimerHandle | None = None
        _idle_since: float | None = None
        _head_bytes = 0

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._idle_since = asyncio.get_running_loop().time()
            self._look_again(limit)
            open_ones[self] = None
            if len(open_ones) > MOST_CONNECTIONS:
                idle = next((one for one in open_ones if one is not self and not one.is_answering()), None)
                if idle is not None:
                    idle.transport.close()

        def data_received(self, data: bytes) -> None:
            self._head_bytes = 0 if self.is_answering() else self._head_bytes + len(data)
            super().data_received(data)
            if self.is_answering():
                self._head_bytes = 0
                open_ones.pop(self, None)  # to the end of those that may have to go
                open_ones[self] = None
            elif self._head_bytes > HEAD_BYTES and not self.transport.is_closing():
                self.transport.write(TOO_LARGE)
                self.transport.close()

        def is_answering(self) -> bool:
            return self.cycle is not None and not self.cycle.response_complete

        def connection_lost(self, exc: Exception | None) -> None:
            open_ones.pop(self, None)
            if self._look is not None:
                self._look.cancel()
            super().connection_lost(exc)

        def _look_again(self, wait: float) -> None:
            self._look = asyncio.get_running_loop().call_later(wait, self._close_if_idle)

        def _close_if_idle(self) -> None:
            now = asyncio.get_running_loop().time()
            if self.is_answering() or self.timeout_keep_alive_task is not None:
                self._idle_since = None
            elif self._idle_since is None:
                self._idle_since = now
            elif now - self._idle_since >= limit * 0.99:  # timers may come a moment early
                self.transport.close()
                return
            self._look_again(limit)

    return Limited
