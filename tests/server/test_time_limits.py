"""Connections that send half of a request."""

import socket
import threading
from collections.abc import Callable

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
