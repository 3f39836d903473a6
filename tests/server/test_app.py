"""The HTTP app: bodies that are too large, that are no JSON, and pages that don't exist."""

from collections.abc import Callable

import httpx

from testing.servers import Served


def test_bytes_that_are_no_json_and_pages_that_are_not_there(serve: Callable[..., Served]) -> None:
    url = serve().url
    assert httpx.post(url + "/v1/chat/completions", content=b"\xff{").json()["error"]["code"] == "invalid_json"
    assert httpx.get(url + "/v1/nothing").json()["error"]["code"] == "not_found"
    assert httpx.get(url + "/v1/chat/completions").json()["error"]["code"] == "method_not_allowed"
    assert httpx.get(url + "/images/" + "0" * 32 + ".png").status_code == 404


def test_a_body_that_is_too_large_is_refused_however_it_is_sent(serve: Callable[..., Served]) -> None:
    url = serve({"max_body": 10_000}).url + "/v1/chat/completions"
    assert httpx.post(url, content=b"x" * 10_001).status_code == 413
    pieces = (b"x" * 1000 for _ in range(50))
    assert httpx.post(url, content=pieces).json()["error"]["code"] == "request_too_large"
