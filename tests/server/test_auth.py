"""Tokens, clients, cookies and origins."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import openai
import pytest

from imagerag.errors import UserError
from imagerag.server import auth
from imagerag.server.app import listen
from imagerag.server.auth import Authenticator
from testing.openai_requests import MODEL, square, user
from testing.servers import TOKENS, Served


def test_who_comes_without_a_key_is_shown_no_list_and_reaches_by_id_what_is_his(serve: Callable[..., Served]) -> None:
    server = serve(scores=[0.9])
    made = httpx.post(f"{server.url}/v1/images/generations", json={"model": MODEL, "prompt": "an owl"}, timeout=30)
    address = made.json()["data"][0]["url"]
    assert httpx.get(address).headers["content-type"] == "image/png"
    assert httpx.get(f"{server.url}/v1/files").json()["data"] == []
    assert len(list(server.client("a key of his own").files.list())) == 0
    sent = httpx.post(f"{server.url}/v1/files", files={"file": ("a.png", square())}, data={"purpose": "vision"}).json()
    assert httpx.get(f"{server.url}/v1/files/{sent['id']}").json()["id"] == sent["id"]


def test_one_clients_files_and_threads_are_not_anothers(serve: Callable[..., Served]) -> None:
    server = serve(scores=[0.9])
    mine, other = server.client("mine"), server.client("other")
    sent = mine.files.create(file=("me.png", square()), purpose="vision")
    made = mine.images.generate(model=MODEL, prompt="an owl", extra_body={"imagerag": {"thread": "sea"}})
    ours = "file-" + made.data[0].url.rpartition("/")[2].removesuffix(".png")
    for file_id in (sent.id, ours):
        for call in (other.files.retrieve, other.files.content, other.files.delete):
            with pytest.raises(openai.NotFoundError):
                call(file_id)
        part = {"type": "file", "file": {"file_id": file_id}}
        with pytest.raises(openai.NotFoundError):
            other.chat.completions.create(model=MODEL, messages=[user("an owl", part)])
    assert list(other.files.list()) == []
    # The same name of a thread is another thread, and another's image in a history leads nowhere.
    with pytest.raises(openai.BadRequestError, match="this conversation has none"):
        other.images.generate(model=MODEL, prompt="make it red", extra_body={"imagerag": {"thread": "sea"}})
    history = [user("a cat"), {"role": "assistant", "content": f"![image-1: x]({made.data[0].url})"}]
    answer = other.chat.completions.create(model=MODEL, messages=[*history, user("make it red")])
    assert answer.model_extra["imagerag"]["prompt"] == "a red cat"


def test_with_tokens_only_those_come_in(serve: Callable[..., Served]) -> None:
    server = serve({"tokens": TOKENS, "loopback": False})
    for key in (TOKENS[0][:-1], TOKENS[0] + "x", "nonsense"):
        with pytest.raises(openai.AuthenticationError, match="no valid token"):
            server.client(key).models.list()
    refused = httpx.get(server.url + "/v1/models")
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert httpx.post(server.url + "/mcp", json={}).status_code == 401
    made = server.client(TOKENS[1]).images.generate(model=MODEL, prompt="an owl")
    assert httpx.get(made.data[0].url).status_code == 200
    assert list(server.client(TOKENS[0]).files.list()) == []


def test_pages_of_other_origins_and_names_that_are_not_this_machines_are_refused(serve: Callable[..., Served]) -> None:
    url = serve().url + "/v1/models"
    assert httpx.get(url, headers={"host": "rebound.test"}).status_code == 421
    assert httpx.get(url, headers={"origin": "https://elsewhere.test"}).status_code == 403
    assert httpx.get(url, headers={"origin": "null"}).status_code == 403
    assert httpx.get(url, headers={"origin": url.removesuffix("/v1/models")}).status_code == 200


def test_behind_a_proxy_its_name_is_known_and_a_token_is_needed(serve: Callable[..., Served]) -> None:
    server = serve({"tokens": TOKENS, "public_url": "https://draw.test"})
    headers = {"host": "draw.test", "origin": "https://draw.test", "authorization": f"Bearer {TOKENS[0]}"}
    assert httpx.get(server.url + "/v1/models", headers=headers).status_code == 200
    headers |= {"origin": "https://elsewhere.test"}
    assert httpx.get(server.url + "/v1/models", headers=headers).status_code == 403
    made = server.client(TOKENS[0]).images.generate(model=MODEL, prompt="an owl")
    assert made.data[0].url.startswith("https://draw.test/images/")
    for host, public_url in (("0.0.0.0", None), ("127.0.0.1", "https://draw.test"), ("127.0.0.1", "draw.test")):
        with pytest.raises(UserError, match=r"others can reach|can be reached by others|is no address"):
            listen(host, 0, (), public_url)


def test_a_cookie_of_another_program_on_this_host_hides_nobody() -> None:
    keeper = Authenticator(())
    mine = keeper.client({"cookie": "imagerag=abc"})
    assert keeper.client({"cookie": 'foo={"a": [1]}; imagerag=abc'}) == mine != "anonymous"


def test_one_clients_requests_beyond_its_burst_wait_and_anothers_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "REQUEST_RATE", 1)
    monkeypatch.setattr(auth, "REQUEST_BURST", 3)
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        pass

    async def ask(door: auth.AuthMiddleware, token: str, address: str, path: str = "/v1/models") -> int:
        before = len(waits)
        headers = [(b"host", b"localhost"), (b"authorization", f"Bearer {token}".encode())]
        scope = {"type": "http", "path": path, "headers": headers, "client": (address, 1)}

        async def send(message: Any) -> None:
            pass

        await door(scope, app, send)
        return len(waits) - before

    async def run() -> None:
        a, b = (f"token-of-{name}-and-long-enough" for name in "ab")
        door = auth.AuthMiddleware(app, Authenticator([a, b]), loopback=False)
        assert [await ask(door, a, "192.0.2.1") for _ in range(5)] == [0, 0, 0, 1, 1]
        assert await ask(door, b, "192.0.2.1") == 0, "a client of another token"
        wrong = [await ask(door, f"wrong-{number}-and-long-enough", "192.0.2.2") for number in range(5)]
        assert wrong == [0, 0, 0, 1, 1], "guesses count for their address"
        open_to_all = [await ask(door, "", "192.0.2.3", "/images/x.png") for _ in range(5)]
        assert open_to_all == [0, 0, 0, 1, 1]
        anybodys = auth.AuthMiddleware(app, Authenticator(), loopback=False)
        made_up = [await ask(anybodys, f"name-{number}", "192.0.2.4") for number in range(5)]
        assert made_up == [0, 0, 0, 1, 1], "new names don't help where everybody chooses his own"

    monkeypatch.setattr(asyncio, "sleep", sleep)
    asyncio.run(run())
    assert all(0 < wait <= 3 for wait in waits)
