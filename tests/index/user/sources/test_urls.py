"""Addresses as sources: fetched once, and only when allowed."""

import asyncio
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpcore
import pytest

from imagerag.index.user.sources.read_options import ReadOptions
from imagerag.index.user.sources.urls import AddressSource, UrlFetcher
from imagerag.index.user.store import UserPictures
from imagerag.net.safe_fetch import fetch
from testing.user_pictures import found, save_picture


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """A web site on this machine with one picture."""
    save_picture(tmp_path / "site", "my owl.png", "owl")
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "site"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_addresses_are_fetched_once_and_only_when_allowed(own: UserPictures, site: str, tmp_path: Path) -> None:
    asked: list[str] = []

    def fetch_here(url: str) -> bytes:
        asked.append(url)
        return asyncio.run(fetch(url, httpcore.AnyIOBackend()))

    url = f"{site}/my%20owl.png"
    source = AddressSource(url, "CC0-1.0", fetched=UrlFetcher(tmp_path / "kept", True, fetch_here))
    assert own.add([source]).added == 1
    assert own.add([source]).unchanged == 1
    assert asked == [url]
    assert found(own, "an owl") == ("my owl", url, "CC0-1.0")
    (refused,) = own.add(["https://example.org/a.png"]).skipped
    assert "--allow-urls" in refused["reason"]
    (private,) = own.add(["https://127.0.0.1/a.png"], reading=ReadOptions(allow_urls=True)).skipped
    assert "not a public address" in private["reason"]
    (tmp_path / "list.csv").write_text("url,caption\nhttps://example.org/b.png,b\n", encoding="utf-8")
    (row,) = own.add([f"csv:{tmp_path}/list.csv"]).skipped
    assert "--allow-urls" in row["reason"]


def test_an_address_that_is_none_is_reported(tmp_path: Path) -> None:
    item = UrlFetcher(tmp_path, True).item("k", "https://[::1/x.png", "unknown", {}, lambda item: True)
    assert "is no address" in item.problem
