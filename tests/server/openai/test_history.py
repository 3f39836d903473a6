"""Earlier messages that can't be read are left out, and that is told; over HTTP, at both endpoints of conversations."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from pydantic import BaseModel, TypeAdapter

from imagerag.server.openai.history import last_request, readable
from testing.servers import Served

HEADER = "x-imagerag-not-heeded"
TEXT, PICTURE, FILE = ("text", "input_text"), ("image_url", "input_image"), ("file", "input_file")
"""Types of parts, as chat completions and as responses call them."""


def ask(server: Served, door: str, messages: list[Any]) -> httpx.Response:
    responses = door == "responses"
    body = {"model": "imagerag", "input" if responses else "messages": messages}
    address = f"{server.url}/v1/{'responses' if responses else 'chat/completions'}"
    headers = {"Content-Type": "application/json"}
    return httpx.post(address, content=json.dumps(body), headers=headers, timeout=60)


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


@pytest.mark.slow
@pytest.mark.parametrize("door", ["chat", "responses"])
@pytest.mark.parametrize("role", ["user", "assistant"])
@pytest.mark.parametrize(
    ("kind", "more"),
    [
        (TEXT, {}),
        (TEXT, {"text": None}),
        (TEXT, {"text": 3}),
        (TEXT, {"text": {"value": "hi"}}),
        (PICTURE, {}),
        (PICTURE, {"image_url": {}}),
        (PICTURE, {"image_url": None}),
        (FILE, {}),
        (("refusal", "refusal"), {"refusal": None}),
    ],
    ids=str,
)
def test_earlier_parts_that_can_not_be_read_are_left_out_and_named(
    serve: Callable[..., Served], door: str, role: str, kind: tuple[str, str], more: dict[str, Any]
) -> None:
    server = serve(scores=[0.9])
    name = kind[door == "responses"]
    earlier = {"role": role, "content": [{"type": name, **more}]}
    answer = ask(server, door, [user("an owl"), earlier, user("a cat")])
    assert answer.status_code == 200, answer.text
    assert f"message parts of type {name}" in answer.headers[HEADER]
    (request,) = server.service.components.generator.requests  # type: ignore[attr-defined]
    assert request.prompt == "a cat"


@pytest.mark.slow
@pytest.mark.parametrize("door", ["chat", "responses"])
@pytest.mark.parametrize(
    ("earlier", "named"),
    [
        (user([None, {"type": "text", "text": "a dog"}]), "message parts without a type"),
        (user({"text": "hi"}), "unreadable messages of role user"),
        ({"role": "model", "content": "hi"}, "unreadable messages of role model"),
        ({"content": "hi"}, "messages without a role"),
        (None, "messages without a role"),
        ("hello", "messages without a role"),
    ],
)
def test_so_are_earlier_messages(serve: Callable[..., Served], door: str, earlier: Any, named: str) -> None:
    answer = ask(serve(scores=[0.9]), door, [user("an owl"), earlier, user("a cat")])
    assert answer.status_code == 200, answer.text
    assert named in answer.headers[HEADER]


@pytest.mark.parametrize("door", ["chat", "responses"])
def test_a_bare_text_among_the_parts_is_read(serve: Callable[..., Served], door: str) -> None:
    server = serve(scores=[0.9])
    answer = ask(server, door, [user(["an owl"]), {"role": "assistant", "content": ["done"]}, user("make it red")])
    assert HEADER not in answer.headers
    (request,) = server.service.components.generator.requests  # type: ignore[attr-defined]
    assert request.prompt == "a red owl"


@pytest.mark.slow
@pytest.mark.parametrize("door", ["chat", "responses"])
@pytest.mark.parametrize(
    "messages",
    [
        [user("an owl"), user([{"type": "text"}])],
        [user("an owl"), user({"text": "a cat"})],
        [user("an owl"), {"role": "User", "content": "a cat"}],
        [user("an owl"), {"content": "a cat"}],
        [user("an owl"), "a cat"],
    ],
    ids=["a part", "the content", "a role", "no role", "a text"],
)
def test_what_may_be_the_request_has_to_be_understood(
    serve: Callable[..., Served], door: str, messages: list[Any]
) -> None:
    server = serve(scores=[0.9])
    answer = ask(server, door, messages)
    assert answer.status_code == 400
    assert ".1" in answer.json()["error"]["message"], "it names the place"
    assert server.service.components.generator.requests == []  # type: ignore[attr-defined]


@pytest.mark.slow
@pytest.mark.parametrize("door", ["chat", "responses"])
@pytest.mark.parametrize(
    ("sent", "told"), [("a\0b", "a?b"), ("a\ud83e", "a?")], ids=["a control character", "half a pair"]
)
def test_names_that_no_header_and_no_answer_can_hold_are_told_with_question_marks(
    serve: Callable[..., Served], door: str, sent: str, told: str
) -> None:
    earlier = {"role": "assistant", "content": [{"type": sent}]}
    answer = ask(serve(scores=[0.9]), door, [user("an owl"), earlier, user("a cat")])
    assert answer.status_code == 200, answer.text
    assert f"message parts of type {told}" in answer.headers[HEADER]


class Plain(BaseModel):
    """A message, or a part, of one field."""

    role: str
    content: str | list[int]


def test_the_places_of_messages_stay_as_they_were() -> None:
    shape, part = TypeAdapter(Plain), TypeAdapter(int)
    messages = [{"role": "a", "content": {}}, {"role": "a", "content": [1, None]}, user("x"), {"role": 3}]
    kept, names = readable(messages, shape, part)
    assert kept == [{"role": "assistant", "content": ""}, {"role": "a", "content": [1]}, user("x"), {"role": 3}]
    assert names == ["unreadable messages of role a", "message parts without a type"]
    assert last_request(messages) == 2
    assert readable([{"role": 3}], shape, part) == ([{"role": 3}], [])
    assert readable("x", shape, part) == ("x", [])
