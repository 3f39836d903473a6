"""Pictures by address: public ones only, whatever a name resolves to, and whatever a redirect points at."""

import asyncio
import gzip
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpcore
import pytest

from imagerag.errors import UserError
from imagerag.net import safe_fetch as fetching
from imagerag.net.safe_fetch import Answer, Origin, PublicOnly, Request, SafeClient, fetch


class Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.seen.append(self.path)  # type: ignore[attr-defined]
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("location", self.path.removeprefix("/to/"))
            self.end_headers()
            return
        self.send_response(404 if self.path == "/missing" else 200)
        if self.path.startswith("/packed/"):
            self.send_header("content-encoding", ", ".join(["gzip"] * int(self.path.removeprefix("/packed/"))))
        self.end_headers()
        if self.path.startswith("/packed/"):
            data = bytes(50 * 2**20)
            for _ in range(int(self.path.removeprefix("/packed/"))):
                data = gzip.compress(data, 1)
            self.wfile.write(data)
            return
        if self.path == "/endless":
            try:
                while True:
                    self.wfile.write(b"x" * 2**20)
            except OSError:
                return
        self.wfile.write(b"a picture")

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture
def pages() -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    server.seen = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


class Open(PublicOnly):
    """As the real one, but the first name is let through to this machine's test server."""

    def __init__(self, answers: dict[str, list[str]], opened: str) -> None:
        async def resolve(host: str, port: int) -> list[str]:
            self.asked.append(host)
            return answers.get(host, [host])

        super().__init__(resolve)
        self.asked: list[str] = []
        self._opened = opened

    async def connect_tcp(self, host: str, port: int, *rest: Any, **more: Any) -> httpcore.AsyncNetworkStream:
        if host == self._opened:
            return await self._plain.connect_tcp("127.0.0.1", port, *rest, **more)
        return await super().connect_tcp(host, port, *rest, **more)


def get(url: str, backend: Any = None) -> bytes:
    return asyncio.run(fetch(url, backend))


def test_a_picture_is_fetched(pages: Any) -> None:
    port = pages.server_port
    assert get(f"http://open.test:{port}/x", Open({}, "open.test")) == b"a picture"


@pytest.mark.slow
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "127.1"])
def test_this_machine_is_never_asked(pages: Any, host: str) -> None:
    with pytest.raises(UserError, match=r"not a public address|can't be fetched"):
        get(f"http://{host}:{pages.server_port}/x")
    assert pages.seen == []


@pytest.mark.slow
def test_a_redirect_to_this_machine_is_not_followed(pages: Any) -> None:
    port = pages.server_port
    with pytest.raises(UserError, match=r"'127\.0\.0\.1' is not a public address"):
        get(f"http://open.test:{port}/to/http://127.0.0.1:{port}/secret", Open({}, "open.test"))
    assert [path for path in pages.seen if "secret" in path and not path.startswith("/to/")] == []


def test_a_name_with_one_private_address_among_public_ones_is_refused(pages: Any) -> None:
    backend = Open({"rebound.test": ["93.184.216.34", "127.0.0.1"]}, "open.test")
    with pytest.raises(UserError, match=r"'rebound.test' is not a public address"):
        get(f"http://rebound.test:{pages.server_port}/x", backend)
    # Resolved once, and connected to what was checked: there is no second answer to be different.
    assert backend.asked == ["rebound.test"]


def test_endless_missing_and_circular_pages_are_errors(pages: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "MAX_BYTES", 3 * 2**20)
    base = f"http://open.test:{pages.server_port}"
    for path, says in (
        ("/endless", "has more than"),
        ("/missing", "status 404"),
        ("/to/" * 9 + "x", "can't be fetched"),
    ):
        with pytest.raises(UserError, match=says):
            get(base + path, Open({}, "open.test"))


@pytest.mark.slow
@pytest.mark.parametrize(("times", "says"), [(1, "more than 20971520 bytes"), (2, "packed 2 times")])
def test_a_small_answer_that_unpacks_to_a_large_one_is_refused(pages: Any, times: int, says: str) -> None:
    with pytest.raises(UserError, match=says):
        get(f"http://open.test:{pages.server_port}/packed/{times}", Open({}, "open.test"))


def test_a_resolver_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor at the end of the event loop, which waits for the threads of its own executor."""
    let_go = threading.Event()
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: let_go.wait(30))
    monkeypatch.setattr(fetching, "SECONDS", 0.3)
    began = time.monotonic()
    with pytest.raises(UserError, match="can't be fetched"):
        asyncio.run(fetch("http://example.org/a.png"))
    assert time.monotonic() - began < 15
    let_go.set()


@pytest.mark.slow
def test_a_server_that_was_set_is_asked_wherever_it_is_and_no_other_port_of_it(pages: Any) -> None:
    base = f"http://127.0.0.1:{pages.server_port}"
    other = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    other.seen = []  # type: ignore[attr-defined]
    threading.Thread(target=other.serve_forever, daemon=True).start()

    async def ask(url: str, **more: Any) -> Answer:
        async with SafeClient([Origin.of(base)], agent="imagerag/9 (me@example.org)") as client:
            return await client.ask(Request(url, **more))

    assert asyncio.run(ask(f"{base}/x")).data == b"a picture"
    assert asyncio.run(ask(f"{base}/missing")).status == 404
    elsewhere = f"http://127.0.0.1:{other.server_port}/x"
    for url in (elsewhere, f"{base}/to/{elsewhere}", f"http://localhost:{pages.server_port}/x"):
        with pytest.raises(UserError, match="is not a public address"):
            asyncio.run(ask(url))
    assert other.seen == []  # type: ignore[attr-defined]
    kept = asyncio.run(ask(f"{base}/to/{base}/x", headers={"x-key": "secret"}, secret=True))
    assert kept.status == 302
    other.shutdown()


@pytest.mark.parametrize("url", ["ftp://example.org/a", "file:///etc/passwd", "http://", "http://[", "example.org"])
def test_what_is_no_address_has_no_origin(url: str) -> None:
    with pytest.raises(UserError, match=r"is no (address|http or https address)"):
        Origin.of(url)
    with pytest.raises(UserError):
        get(url)
