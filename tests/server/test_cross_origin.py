"""Web pages of other origins."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from imagerag.errors import UserError
from imagerag.server.cross_origin import checked_origins
from testing.servers import TOKENS, Served

PAGE = "https://chat.example.org"
WANTED = {
    "origin": PAGE,
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization,content-type,x-stainless-os",
}


@pytest.mark.parametrize(
    ("given", "origins"),
    [
        ([], ()),
        (["https://Chat.Example.org/"], (PAGE,)),
        (["https://chat.example.org:443"], (PAGE,)),
        (["http://localhost:3000, https://chat.example.org"], ("http://localhost:3000", PAGE)),
        (["http://[::1]:80", "null"], ("http://[::1]", "null")),
        (["app://obsidian.md", "chrome-extension://abcdef"], ("app://obsidian.md", "chrome-extension://abcdef")),
    ],
)
def test_origins_are_written_as_browsers_do(given: list[str], origins: tuple[str, ...]) -> None:
    assert checked_origins(given, ()) == origins


@pytest.mark.parametrize("name", ["chat.example.org", "https://", "https://a/b", "http://a:port", "https://u@a", "//a"])
def test_what_is_no_origin_is_refused_by_name(name: str) -> None:
    with pytest.raises(UserError, match="is no origin; give one like https://"):
        checked_origins([name], ())


def test_any_page_needs_a_token() -> None:
    with pytest.raises(UserError, match="IMAGERAG_TOKEN"):
        checked_origins(["*"], ())
    assert checked_origins(["*"], TOKENS) == ("*",)


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings", [{"origins": (PAGE,)}, {"origins": (PAGE,), "tokens": TOKENS}, {"origins": ("*",), "tokens": TOKENS}]
)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses", "/v1/files"])
def test_a_page_may_ask_and_read_where_it_is_named(
    serve: Callable[..., Served], settings: dict[str, Any], path: str
) -> None:
    server = serve(settings)
    told = httpx.options(server.url + path, headers=WANTED)
    assert told.status_code == 200
    assert told.headers["access-control-allow-origin"] in (PAGE, "*")
    allowed = told.headers["access-control-allow-headers"]
    assert "x-stainless-os" in allowed
    assert "authorization" in allowed.lower()
    answer = httpx.get(server.url + "/v1/models", headers={"origin": PAGE, "authorization": f"Bearer {TOKENS[0]}"})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] in (PAGE, "*")
    assert "x-request-id" in answer.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in answer.headers
    refused = httpx.post(server.url + "/v1/responses", json={}, headers={"origin": PAGE})
    assert refused.headers["access-control-allow-origin"] in (PAGE, "*")


@pytest.mark.parametrize("settings", [{}, {"origins": (PAGE,)}])
def test_other_pages_may_not(serve: Callable[..., Served], settings: dict[str, Any]) -> None:
    server = serve(settings)
    answer = httpx.get(server.url + "/v1/models", headers={"origin": "https://evil.example.org"})
    assert answer.status_code == 403
    assert "--allow-origin" in answer.json()["error"]["message"]
    assert "access-control-allow-origin" not in answer.headers
    asked = httpx.options(server.url + "/v1/models", headers=WANTED | {"origin": "https://evil.example.org"})
    assert asked.status_code >= 400
    assert "access-control-allow-origin" not in asked.headers


def test_the_servers_own_page_needs_no_setting(serve: Callable[..., Served]) -> None:
    server = serve()
    assert httpx.get(server.url + "/v1/models", headers={"origin": server.url}).status_code == 200


def test_a_named_page_does_not_come_in_by_the_cookie_of_the_servers_own(serve: Callable[..., Served]) -> None:
    server = serve({"origins": (PAGE,), "tokens": TOKENS})
    cookie = {"cookie": f"imagerag={TOKENS[0]}"}
    assert httpx.get(server.url + "/v1/models", headers=cookie).status_code == 200
    assert httpx.get(server.url + "/v1/models", headers=cookie | {"origin": PAGE}).status_code == 401


@pytest.mark.parametrize("origins", [(PAGE,), ("*",)])
def test_a_named_page_logs_no_browser_in(serve: Callable[..., Served], origins: tuple[str, ...]) -> None:
    """By a form, which needs nobody's leave: what the person draws then would be in the list of whose token it is."""
    server = serve({"origins": origins, "tokens": TOKENS})
    form = {"data": {"token": TOKENS[0]}}
    answer = httpx.post(f"{server.url}/login", headers={"origin": PAGE}, **form)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "wrong_origin")
    assert "set-cookie" not in answer.headers
    own = httpx.post(f"{server.url}/login", headers={"origin": server.url}, **form)  # type: ignore[arg-type]
    assert (own.status_code, "set-cookie" in own.headers) == (303, True)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_that_does_not_say_which_it_is_is_not_heard(serve: Callable[..., Served], site: str) -> None:
    """Browsers name the origin of what pages send; where an extension takes it out, they still tell of another site."""
    server = serve({})
    headers = {"sec-fetch-site": site}
    for path, sent in (("/login", {"data": {"token": "somebody-elses-token"}}), ("/web/runs", {"content": b"{}"})):
        answer = httpx.post(server.url + path, headers=headers, **sent)  # type: ignore[arg-type]
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "wrong_origin")
        assert "set-cookie" not in answer.headers
    assert httpx.get(f"{server.url}/login", headers=headers).status_code == 200, "a link leads there"


def test_nobody_becomes_nobody_by_an_empty_login(serve: Callable[..., Served]) -> None:
    answer = httpx.post(f"{serve({}).url}/login", data={"token": ""})
    assert (answer.status_code, "set-cookie" in answer.headers) == (401, False)
