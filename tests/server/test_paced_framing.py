"""Bodies that are nearly all framing, and requests that are sent before earlier ones are answered."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import pytest
from uvicorn.server import ServerState

from imagerag.server import paced_framing
from imagerag.server.app import server_config
from testing.servers import Served

GET = b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n"
POST = b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
CHUNKED = POST + b"transfer-encoding: chunked\r\n\r\n"
BODY = b'{"model": "imagerag", "messages": []}'
END = b"0\r\n\r\n"
TINY = b"1\r\n \r\n" * 60_000
EXTENSION = b"1" + b";a=b" * 90_000 + b"\r\n \r\n"
TRAILER = b"1\r\n \r\n0\r\n" + b"a: b\r\n" * 60_000
ATTACKS = {"tiny chunks": TINY, "an extension": EXTENSION, "trailing fields": TRAILER}


class Line(asyncio.Transport):
    """A connection from an address, which notes whether it is read and what is answered."""

    def __init__(self, address: str) -> None:
        super().__init__({"peername": (address, 1), "sockname": ("127.0.0.1", 80)})
        self.is_read = True
        self.written = b""
        self.protocol: Any = None

    def pause_reading(self) -> None:
        self.is_read = False

    def resume_reading(self) -> None:
        self.is_read = True

    def write(self, data: Any) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        pass

    def get_protocol(self) -> Any:
        return self.protocol


class Bodies:
    """An application that reads whole bodies and answers with their length, and keeps the requests' headers."""

    def __init__(self) -> None:
        self.headers: list[list[tuple[bytes, bytes]]] = []
        self.read: list[int] = []
        self.done = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        size, more = 0, True
        while more:
            message = await receive()
            size += len(message.get("body", b""))
            more = message.get("more_body", False)
        await self.may_answer.wait()
        self.headers.append(scope["headers"])
        self.read.append(size)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        self.done.set()


def connect(app: Any) -> Callable[[str], Line]:
    config = server_config(app, timeout_keep_alive=600)
    state = ServerState()

    def connected(address: str) -> Line:
        line = Line(address)
        line.protocol = config.http_protocol_class(config=config, server_state=state, app_state={})
        line.protocol.connection_made(line)
        return line

    return connected


@pytest.mark.parametrize("sent", ATTACKS.values(), ids=ATTACKS)
def test_framing_of_one_address_is_taken_in_at_a_rate(sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paced_framing, "FRAMING_RATE", 1)

    async def run() -> None:
        connected = connect(app := Bodies())
        attacker, next_one = connected("192.0.2.1"), connected("192.0.2.1")
        attacker.protocol.data_received(CHUNKED + sent)
        await asyncio.sleep(0)
        assert not attacker.is_read
        parsed = len(sent) - len(attacker.protocol._rest)
        allowed = paced_framing.FREE_FRAMING + paced_framing.FRAMING_BURST + 2 * paced_framing.PIECE
        assert parsed <= allowed * 1.3  # a sixth of the tiny chunks is body
        # Whoever is at the same address and sends an ordinary request doesn't wait, however he sends its body.
        next_one.protocol.data_received(CHUNKED + b"1\r\n \r\n" * 300 + END)
        async with asyncio.timeout(60):
            await app.done.wait()
        assert app.read == [300]
        assert next_one.is_read
        attacker.protocol.connection_lost(None)
        next_one.protocol.connection_lost(None)

    asyncio.run(run())


@pytest.mark.parametrize("sent", ATTACKS.values(), ids=ATTACKS)
def test_what_was_held_back_is_taken_in_later(sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paced_framing, "FRAMING_RATE", 10 * 2**20)
    monkeypatch.setattr(paced_framing, "FRAMING_BURST", 2**10)

    async def run() -> None:
        connected = connect(app := Bodies())
        line = connected("192.0.2.1")
        line.protocol.data_received(CHUNKED)
        for start in range(0, len(sent), 5000):
            line.protocol.data_received(sent[start : start + 5000])
        line.protocol.data_received(b"\r\n" if sent is TRAILER else END)
        async with asyncio.timeout(60):
            await app.done.wait()
            while not line.is_read:
                await asyncio.sleep(0.001)
        assert app.read == [60_000 if sent is TINY else 1]
        assert [name for name, _ in app.headers[0]] == [b"host", b"content-type", b"transfer-encoding"]
        line.protocol.connection_lost(None)

    asyncio.run(run())


def test_bodies_of_a_declared_length_and_in_ordinary_chunks_are_not_held_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paced_framing, "FRAMING_RATE", 1)
    monkeypatch.setattr(paced_framing, "FRAMING_BURST", 1)

    async def run() -> None:
        connected = connect(app := Bodies())
        for whole in (
            POST + b"content-length: 1000000\r\n\r\n" + b" " * 1_000_000,
            CHUNKED + (b"1000\r\n" + b" " * 4096 + b"\r\n") * 250 + END,
        ):
            line = connected("192.0.2.1")
            app.done.clear()
            line.protocol.data_received(whole)
            assert not line.protocol._rest
            async with asyncio.timeout(60):
                await app.done.wait()
            line.protocol.connection_lost(None)
        assert app.read == [1_000_000, 1_024_000]

    asyncio.run(run())


def test_requests_sent_ahead_are_parsed_a_piece_at_a_time_and_all_answered() -> None:
    async def run() -> None:
        connected = connect(app := Bodies())
        line = connected("192.0.2.1")
        app.may_answer.clear()
        line.protocol.data_received(GET * 1000)
        await asyncio.sleep(0)
        assert len(line.protocol.pipeline) <= paced_framing.HEAD_PIECE // len(GET) + 1
        assert not line.is_read
        app.may_answer.set()
        async with asyncio.timeout(60):
            while line.written.count(b"HTTP/1.1 200") < 1000 or not line.is_read:
                await asyncio.sleep(0.001)
        assert len(app.read) == 1000
        line.protocol.connection_lost(None)

    asyncio.run(run())


def test_a_request_in_pieces_of_any_size_is_read(serve: Callable[..., Served]) -> None:
    port = int(serve().url.rpartition(":")[2])
    whole = POST + b"content-length: %d\r\n\r\n" % len(BODY) + BODY + GET
    for size in (1, 7, len(whole)):
        with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
            for start in range(0, len(whole), size):
                line.sendall(whole[start : start + size])
            told = b""
            while told.count(b"HTTP/1.1 ") < 2:
                told += line.recv(4096) or pytest.fail(f"closed after {told!r}")
        assert told.startswith(b"HTTP/1.1 400")
        assert b"HTTP/1.1 200" in told
