"""Wrong tokens, and how long their senders wait."""

from collections.abc import Callable

import httpx
import pytest

from imagerag.server import guesses
from imagerag.server.guesses import FREE, SECONDS_EACH, Guesses
from testing.servers import TOKENS, Served


@pytest.mark.parametrize(
    ("other", "same"),
    [("10.0.0.1", True), ("10.0.0.2", False), ("2001:db8::1", False), ("::ffff:10.0.0.1", False)],
)
def test_an_address_waits_after_so_many_and_no_other_does(other: str, same: bool) -> None:
    now = [0.0]
    counted = Guesses(lambda: now[0])
    for number in range(FREE):
        assert counted.wait("10.0.0.1", bytes([number])) == 0
        counted.tell("10.0.0.1", bytes([number]), right=False)
    assert (counted.wait(other, b"next") > 0) == same
    now[0] += SECONDS_EACH
    assert counted.wait("10.0.0.1", b"next") == 0
    counted.tell("10.0.0.1", b"next", right=False)
    assert counted.wait("10.0.0.1", b"after that") > 0


def test_a_network_of_version_six_is_one_address() -> None:
    counted = Guesses(lambda: 0.0)
    for number in range(FREE):
        counted.tell(f"2001:db8::{number:x}", b"wrong", right=False)
    assert counted.wait("2001:db8::ffff:1", b"next") > 0
    assert counted.wait("2001:db8:0:1::1", b"next") == 0


def test_who_has_shown_a_right_token_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guesses, "MAX_RIGHT", 2)
    counted = Guesses(lambda: 0.0)
    for token in (b"a", b"b", b"c"):
        counted.tell("10.0.0.1", token, right=True)
    for _ in range(FREE):
        counted.tell("10.0.0.1", b"wrong", right=False)
    assert [counted.wait("10.0.0.1", token) > 0 for token in (b"a", b"b", b"c")] == [True, False, False]


def test_so_many_addresses_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guesses, "MAX_ADDRESSES", 3)
    counted = Guesses(lambda: 0.0)
    for number in range(10):
        for _ in range(FREE):
            counted.tell(f"10.0.0.{number}", b"wrong", right=False)
    waiting = [number for number in range(10) if counted.wait(f"10.0.0.{number}", b"x")]
    assert waiting == [7, 8, 9]


@pytest.mark.slow
@pytest.mark.parametrize("door", ["header", "cookie", "login", "page", "forwarded"])
def test_no_door_lets_tokens_be_guessed(serve: Callable[..., Served], door: str) -> None:
    url = serve({"tokens": TOKENS}).url

    def attempt(token: str) -> httpx.Response:
        if door == "login":
            return httpx.post(f"{url}/login", data={"token": token})
        sent = {"cookie": f"imagerag={token}"} if door == "cookie" else {"authorization": f"Bearer {token}"}
        if door == "forwarded":  # by nobody: no proxy stands before this server
            sent["x-forwarded-for"] = f"10.0.0.{token[-2:]}"
        return httpx.get(f"{url}/" if door == "page" else f"{url}/v1/models", headers=sent)

    assert attempt(TOKENS[0]).status_code in (200, 303)
    answers = [attempt(f"wrong-token-{number:08}") for number in range(FREE + 2)]
    wrong = 303 if door == "page" else 401  # the page leads to where a token is asked for
    assert [answer.status_code for answer in answers] == [wrong] * FREE + [429] * 2
    assert 0 < int(answers[-1].headers["retry-after"]) <= 2 * SECONDS_EACH
    assert "too many wrong tokens" in answers[-1].json()["error"]["message"]
    assert attempt(TOKENS[1]).status_code == 429
    assert attempt(TOKENS[0]).status_code in (200, 303)
    assert httpx.get(f"{url}/health").status_code == 200
