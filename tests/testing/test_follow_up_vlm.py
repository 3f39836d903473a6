"""The chat model that knows the corpus: its answers in whatever shape."""

import json
from dataclasses import replace
from typing import Any

import pytest

from testing.follow_up_corpus import Thing, Turn, Wanted
from testing.follow_up_vlm import PerfectVlm

TURN = Turn("add a cat", "change", 1, (Wanted((Thing("dog"), Thing("cat")), (), None, None, "a dog and a cat"),))
TALK = Turn("thanks", "talk", 1, TURN.wanted, draws=False)
PROPERTIES = {
    "kind": {"enum": ["change", "new", "talk"], "type": "string"},
    "prompt": {"type": "string"},
    "base": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
    "keep_seed": {"type": "boolean", "default": True},
    "other": {"type": "integer", "default": 3},
}
SHAPE = {"type": "object", "properties": PROPERTIES}
USER = [{"role": "user", "content": "add a cat"}]
TOOLS = [{"type": "function", "function": {"name": name, "parameters": {}}} for name in ("generate", "inspect_image")]


def asked(turn: Turn, request: dict[str, Any]) -> Any:
    vlm = PerfectVlm()
    vlm.turn, vlm.image_id = turn, "image-1"
    reply = vlm.answer({"messages": USER, **request}, 0)
    assert vlm.calls == 1
    return reply


@pytest.mark.parametrize(("turn", "kind"), [(TURN, "change"), (TALK, "talk"), (replace(TURN, kind="new"), "new")])
def test_a_shape_is_filled_by_what_its_fields_are_called(turn: Turn, kind: str) -> None:
    reply = asked(turn, {"response_format": {"json_schema": {"schema": SHAPE}}})
    filled = {"kind": kind, "prompt": "a dog and a cat", "base": "image-1", "keep_seed": True, "other": 3}
    assert json.loads(reply.text) == filled


def test_a_tool_that_is_none_of_ours_is_a_shape() -> None:
    reply = asked(TURN, {"tools": [{"type": "function", "function": {"name": "NextPicture", "parameters": SHAPE}}]})
    ((name, arguments),) = reply.calls
    assert (name, arguments["prompt"]) == ("NextPicture", "a dog and a cat")


def test_the_picture_is_drawn_once_and_then_it_stops() -> None:
    assert asked(TURN, {"tools": TOOLS}).calls == [("generate", {"prompt": "a dog and a cat"})]
    drawn = [*USER, {"role": "assistant"}, {"role": "tool", "content": "image-2"}]
    assert not asked(TURN, {"tools": TOOLS, "messages": drawn}).calls


def test_nothing_is_drawn_for_talk() -> None:
    assert not asked(TALK, {"tools": TOOLS}).calls
