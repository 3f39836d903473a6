"""Connections that send half of a request."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest

from imagerag.server import time_limits
from imagerag.server.time_limits import BODY_RATE, BODY_SECONDS, seconds_left
from testing.servers import Served

HEAD = b"POST /v1/images/generations HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
GET = b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"", b""),
        (HEAD[:30], b""),
        (HEAD, b""),
        (GET + HEAD[:30], b"HTTP/1.1 200"),
        (HEAD + b"content-length: 900\r\n\r\n{", b"HTTP/1.1 408"),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n1\r\n{\r\n", b"HTTP/1.1 408"),
    ],
)
def test_half_a_request_is_not_waited_for(
    serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch, sent: bytes, answer: bytes
) -> None:
    monkeypatch.setattr(time_limits, "HEADER_SECONDS", 0.3)
    monkeypatch.setattr(time_limits, "BODY_SECONDS", 0.3)
    server = serve()
    with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=20) as connection:
        told = b""
        if sent.startswith(GET):
            connection.sendall(GET)
            told = connection.recv(4096)
        connection.sendall(sent.removeprefix(GET))
        while piece := connection.recv(4096):  # the server closes, or this times out
            told += piece
    assert told.startswith(answer)
    assert bool(told) == bool(answer)


@pytest.mark.parametrize("field", [b"x: " + b"a" * 2**20, b"x: a\r\n" * 2**17, b"x: a\r\n y" * 2**17])
def test_a_head_without_an_end_is_not_taken(serve: Callable[..., Served], field: bytes) -> None:
    server = serve()
    with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=20) as connection:
        connection.sendall(GET)
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        told, sent = b"", 0
        with suppress(ConnectionError):
            connection.sendall(GET[:-2])
            while sent < 64 * 2**20:  # the server closes, or takes it all
                connection.sendall(field)
                sent += len(field)
        assert sent < 64 * 2**20
        with suppress(ConnectionError):
            told = connection.recv(4096)
    assert not told or told.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400"))


def test_of_very_many_connections_the_idle_ones_give_way(
    serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time_limits, "MOST_CONNECTIONS", 8)
    server = serve()
    port = int(server.url.rpartition(":")[2])
    many = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(12)]
    for connection in many:
        with suppress(ConnectionError):
            connection.sendall(GET)
            connection.recv(4096)
    later = socket.create_connection(("127.0.0.1", port), timeout=20)
    later.sendall(GET)
    assert later.recv(4096).startswith(b"HTTP/1.1 200")
    still = 0
    for connection in (*many, later):
        with connection, suppress(ConnectionError):
            connection.sendall(GET)
            still += connection.recv(4096).startswith(b"HTTP/1.1 200")
    assert 1 <= still <= 8


@pytest.mark.slow
def test_a_request_that_takes_long_to_answer_is_not_cut_off(
    serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time_limits, "HEADER_SECONDS", 0.05)
    server = serve(before_step=slow_step)
    answer = server.client().images.generate(model="imagerag", prompt="an owl")
    assert answer.data


def slow_step(step: int) -> None:
    threading.Event().wait(0.2)


def test_a_body_may_take_longer_the_larger_it_is() -> None:
    assert seconds_left(100.0, 100.0, 0) == BODY_SECONDS
    assert seconds_left(100.0, 110.0, 20 * BODY_RATE) == BODY_SECONDS + 10
    assert seconds_left(100.0, 100.0 + BODY_SECONDS + 1, 0) < 0
