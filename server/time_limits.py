"""Connections that send half a request and then nothing, or a byte now and then: they are closed, so none is held."""

import asyncio
from typing import Any

HEADER_SECONDS = 20.0
"""For which a connection may be without a whole head of a request, from its beginning or the end of the last answer."""
BODY_SECONDS = 30.0
"""For which a body may take whatever its size ..."""
BODY_RATE = 32 * 2**10
"""... and the bytes that it has to bring in each second beyond."""


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
    """Return uvicorn's protocol, which closes connections that don't bring a head in time.

    Args:
        protocol: of HTTP/1.1, whichever uvicorn has chosen; it tells by ``cycle`` which request is being answered, and
            closes by itself a connection that is kept alive and silent.
        seconds: ``HEADER_SECONDS`` unless given.
    """
    limit = HEADER_SECONDS if seconds is None else seconds

    class Limited(protocol):  # type: ignore[valid-type,misc]
        _look: asyncio.TimerHandle | None = None
        _idle_since: float | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._idle_since = asyncio.get_running_loop().time()
            self._look_again(limit)

        def connection_lost(self, exc: Exception | None) -> None:
            if self._look is not None:
                self._look.cancel()
            super().connection_lost(exc)

        def _look_again(self, wait: float) -> None:
            self._look = asyncio.get_running_loop().call_later(wait, self._close_if_idle)

        def _close_if_idle(self) -> None:
            now = asyncio.get_running_loop().time()
            answering = self.cycle is not None and not self.cycle.response_complete
            if answering or self.timeout_keep_alive_task is not None:
                self._idle_since = None
            elif self._idle_since is None:
                self._idle_since = now
            elif now - self._idle_since >= limit * 0.99:  # timers may come a moment early
                self.transport.close()
                return
            self._look_again(limit)

    return Limited
