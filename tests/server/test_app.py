"""The HTTP app: bodies that are too large, that are no JSON, and pages that don't exist."""

import json
import logging
import socket
import time
from collections.abc import Callable
from http.client import HTTPConnection

import httpx
import pytest

from imagerag.server.app import server_config
from imagerag.server.openai.json_body import MAX_ITEMS
from testing.servers import Served


def test_bytes_that_are_no_json_and_pages_that_are_not_there(serve: Callable[..., Served]) -> None:
    url = serve().url
    assert httpx.post(url + "/v1/chat/completions", content=b"\xff{").json()["error"]["code"] == "invalid_json"
    assert httpx.get(url + "/v1/nothing").json()["error"]["code"] == "not_found"
    assert httpx.get(url + "/v1/chat/completions").json()["error"]["code"] == "method_not_allowed"
    assert httpx.get(url + "/images/" + "0" * 32 + ".png").status_code == 404


BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def test_a_browser_is_shown_a_page_where_nothing_is_and_a_program_json(serve: Callable[..., Served]) -> None:
    url = serve().url
    shown = httpx.get(url + "/nothing?at=all", headers=BROWSER)
    assert (shown.status_code, shown.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "There is nothing at <code>/nothing</code>" in shown.text
    assert '<a href="/">' in shown.text
    assert "default-src 'none'" in shown.headers["content-security-policy"]
    for accept in ("*/*", "application/json"):
        told = httpx.get(url + "/nothing", headers={"accept": accept})
        assert (told.status_code, told.json()["error"]["code"]) == (404, "not_found")
    assert httpx.post(url + "/nothing", headers=BROWSER).json()["error"]["code"] == "not_found"
    without = serve({"web": False}).url
    assert httpx.get(without + "/nothing", headers=BROWSER).json()["error"]["code"] == "not_found", "no page to lead to"


def test_a_body_that_is_too_large_is_refused_however_it_is_sent(serve: Callable[..., Served]) -> None:
    url = serve({"max_body": 10_000}).url + "/v1/chat/completions"
    assert httpx.post(url, content=b"x" * 10_001).status_code == 413
    pieces = (b"x" * 1000 for _ in range(50))
    assert httpx.post(url, content=pieces).json()["error"]["code"] == "request_too_large"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/v1/images/generations", 2**20),
        ("/web/runs", 2**20),
        ("/mcp", 2**20),
        ("/login", 8 * 2**10),
        ("/v1/chat/completions", 64 * 2**20),
    ],
)
def test_each_door_takes_so_many_bytes(serve: Callable[..., Served], path: str, most: int) -> None:
    connection = HTTPConnection(serve().url.removeprefix("http://"), timeout=10)
    connection.putrequest("POST", path)
    connection.putheader("content-length", str(most + 1))
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 413
    assert f"larger than the {most} bytes" in json.load(answer)["error"]["message"]
    connection.close()


@pytest.mark.parametrize("values", [b"0,", b"[],", b"{},"])
def test_a_body_of_too_many_values_is_refused_before_they_are_made(serve: Callable[..., Served], values: bytes) -> None:
    body = b'{"model": "imagerag", "messages": [' + values * MAX_ITEMS + b"0]}"
    answer = httpx.post(serve().url + "/v1/chat/completions", content=body)
    assert answer.status_code == 413
    assert f"at most {MAX_ITEMS}" in answer.json()["error"]["message"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "filling", ["http://a", "http://a/images/", "[", "{ ", "title ", "<chat_history>", "### Task:"]
)
@pytest.mark.parametrize("role", ["assistant", "user", "system"])
def test_a_long_message_of_any_kind_leaves_the_door_open(serve: Callable[..., Served], filling: str, role: str) -> None:
    server = serve()
    messages = [{"role": role, "content": filling * (120_000 // len(filling))}, {"role": "user", "content": "an owl"}]
    answer = httpx.post(
        server.url + "/v1/chat/completions", json={"model": "imagerag", "messages": messages}, timeout=10
    )
    assert answer.status_code == 200
    notes = " ".join(answer.json()["imagerag"]["notes"])
    assert ("left out" in notes) == (role == "user")


def test_what_uvicorn_logs_goes_where_everything_does() -> None:
    async def app(scope: object, receive: object, send: object) -> None:
        pass

    assert server_config(app).log_config is None


FORM = "multipart/form-data; boundary=x"
PART = b'--x\r\ncontent-disposition: form-data; name="image"; filename="a.png"\r\n\r\n'


@pytest.mark.parametrize(
    ("path", "kind", "sent"),
    [
        ("/v1/chat/completions", "application/json", b'{"model": '),
        ("/v1/responses", "application/json", b'{"model": '),
        ("/v1/images/generations", "application/json", b'{"model": '),
        ("/v1/images/edits", FORM, PART),
        ("/v1/files", FORM, PART),
        ("/mcp", "application/json", b'{"jsonrpc": '),
        ("/web/runs", "application/json", b'{"prompt": '),
        ("/login", "application/x-www-form-urlencoded", b"token="),
    ],
)
def test_a_request_that_its_client_breaks_off_is_no_failure(
    serve: Callable[..., Served], caplog: pytest.LogCaptureFixture, path: str, kind: str, sent: bytes
) -> None:
    server = serve()
    address = server.url.removeprefix("http://")
    host, _, port = address.partition(":")
    head = f"POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: {kind}\r\n"
    head += "accept: application/json, text/event-stream\r\nauthorization: Bearer someone\r\n"
    with caplog.at_level(logging.WARNING):
        with socket.create_connection((host, int(port)), timeout=60) as line:
            line.sendall(f"{head}content-length: 5000\r\n\r\n".encode() + sent)
            while not server.requests_under_way():
                time.sleep(0.01)
        while server.requests_under_way():
            time.sleep(0.01)
    assert caplog.text == ""
