"""How fast what surrounds bodies is taken in: parsing it holds up everybody, and no declared length tells of it."""

import asyncio
from typing import Any

from imagerag.server.pace import Pace

PIECE = 16 * 2**10
"""Bytes of a body that are parsed at once ..."""
HEAD_PIECE = 2**10
"""... and of heads: the worst, 36 empty requests, take some 2 ms."""
FREE_FRAMING = 4 * 2**10
"""Bytes of a body's framing (sizes of chunks, their extensions, fields that come after the body) that are not entered:
they are 700 chunks, and who sends fewer never waits for others at his address who send more."""
FRAMING_RATE = 256 * 2**10
"""Bytes of all other framing that an address may send in each second ..."""
FRAMING_BURST = 256 * 2**10
"""... beyond so many at once. The parser spends most on chunks of one byte: a tenth of its time at this rate."""


def with_paced_framing(protocol: type[asyncio.Protocol]) -> type[asyncio.Protocol]:
    """Return uvicorn's protocol, which takes in the framing of bodies no faster than at a rate for each address.

    Requests that were sent before an earlier one is answered (pipelining) are parsed a piece at a time, and fields that
    come after a body (trailers) are left out, since no part of this server reads them.

    Args:
        protocol: of HTTP/1.1, on httptools.
    """
    pace = Pace(FRAMING_RATE, FRAMING_BURST)

    class Paced(protocol):  # type: ignore[valid-type,misc]
        flow: Any
        _rest = memoryview(b"")
        """What has come and is not parsed yet."""
        _timer: asyncio.TimerHandle | None = None
        _address = ""
        _in_body = False
        _body_bytes = 0
        """Of the piece that is being parsed."""
        _framing_bytes = 0
        """Of the body so far."""

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self.flow = _Flow(self.flow)
            self._address = str((transport.get_extra_info("peername") or ("",))[0])

        def data_received(self, data: bytes) -> None:
            # More comes only if the transport had read it before it was paused.
            self._rest = memoryview(bytes(self._rest) + data if self._rest else data)
            if not self.flow.held:
                self._parse()

        def connection_lost(self, exc: Exception | None) -> None:
            self._rest = memoryview(b"")
            if self._timer is not None:
                self._timer.cancel()
            super().connection_lost(exc)

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if self.flow.held and self._timer is None:
                # In a turn of the loop of its own: many answers in one would keep all others from theirs.
                self._wait(0.0)

        def _parse(self) -> None:
            while self._rest and not self.transport.is_closing() and self.transport.get_protocol() is self:
                size = PIECE if self._in_body else HEAD_PIECE
                piece, self._rest = bytes(self._rest[:size]), self._rest[size:]
                if wait := self._parsed(piece):
                    self._wait(wait)
                    return
                if self._rest and self.pipeline:  # goes on when those have been answered
                    self.flow.hold()
                    return
            self.flow.release()

        def _parsed(self, piece: bytes) -> float:
            """Parse a piece, and return the seconds to wait before the next."""
            within = self._in_body
            self._body_bytes = 0
            super().data_received(piece)
            if not within:
                return 0.0
            before = self._framing_bytes
            self._framing_bytes += len(piece) - self._body_bytes
            used = self._framing_bytes - max(before, FREE_FRAMING)
            return pace.wait(self._address, used, asyncio.get_running_loop().time()) if used > 0 else 0.0

        def _wait(self, seconds: float) -> None:
            self.flow.hold()
            self._timer = asyncio.get_running_loop().call_later(seconds, self._go_on)

        def _go_on(self) -> None:
            self._timer = None
            if not self.pipeline:  # else the end of the next answer comes back here
                self._parse()

        def on_headers_complete(self) -> None:
            self._in_body, self._framing_bytes = True, 0
            super().on_headers_complete()

        def on_body(self, body: bytes) -> None:
            self._body_bytes += len(body)
            super().on_body(body)

        def on_message_complete(self) -> None:
            self._in_body = False
            super().on_message_complete()

        def on_header(self, name: bytes, value: bytes) -> None:
            if not self._in_body:
                super().on_header(name, value)

    return Paced


class _Flow:
    """uvicorn's control of what a connection reads and writes, with one more reason to read nothing.

    Args:
        flow: uvicorn's, whose other members it has.

    Attributes:
        held: whether nothing is to be read until ``release``.
    """

    def __init__(self, flow: Any) -> None:
        self._flow = flow
        self.held = False
        self._wanted = not flow.read_paused

    def __getattr__(self, name: str) -> Any:
        return getattr(self._flow, name)

    def pause_reading(self) -> None:
        """Read no more, for uvicorn's reasons."""
        self._wanted = False
        self._flow.pause_reading()

    def resume_reading(self) -> None:
        """Uvicorn has no more reason not to read."""
        self._wanted = True
        if not self.held:
            self._flow.resume_reading()

    def hold(self) -> None:
        """Read no more until ``release``."""
        self.held = True
        self._flow.pause_reading()

    def release(self) -> None:
        """Read again, unless uvicorn has its reasons not to."""
        self.held = False
        if self._wanted:
            self._flow.resume_reading()
