"""Bodies that are refused before they are read to their end: the answer is seen, and nothing more is read."""

import socket
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from testing.servers import Served

PATH = "/v1/chat/completions"


def _pieces(size: int) -> Iterator[bytes]:
    for _ in range(0, size, 2**16):
        yield b"x" * 2**16


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("size", [2**17, 2**24])
def test_the_answer_is_seen_and_the_connection_closed(serve: Callable[..., Served], chunked: bool, size: int) -> None:
    url = serve({"max_body": 2**16}).url
    content = _pieces(size) if chunked else b"".join(_pieces(size))
    with httpx.Client(timeout=20) as client:
        answer = client.post(url + PATH, content=content)
        assert answer.json()["error"]["code"] == "request_too_large"
        assert (answer.status_code, answer.headers["connection"]) == (413, "close")
        assert client.get(url + "/health").status_code == 200


@pytest.mark.parametrize("head", ["content-length: 90000000", "transfer-encoding: chunked"])
def test_what_follows_a_refusal_is_not_read(serve: Callable[..., Served], head: str) -> None:
    """A client that never stops sending can't: the server has closed."""
    url = serve({"max_body": 2**16}).url
    where = urlsplit(url)
    piece = b"x" * 2**16 if "length" in head else b"10000\r\n" + b"x" * 2**16 + b"\r\n"
    with socket.create_connection((str(where.hostname), int(where.port or 0)), timeout=10) as line:
        line.sendall(f"POST {PATH} HTTP/1.1\r\nhost: {where.netloc}\r\n{head}\r\n\r\n".encode())
        with pytest.raises(ConnectionError):
            line.sendall(piece * (90_000_000 // 2**16))
        assert line.recv(12) == b"HTTP/1.1 413"
