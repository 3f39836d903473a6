"""Texts from the chat model that drives, and what happens where it gives none."""

import asyncio
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain_core.outputs import ChatResult

from imagerag.server.api_error import ApiError
from imagerag.server.openai import text_answers
from imagerag.server.openai.text_answers import TextAnswers, json_in
from imagerag.server.openai.text_tasks import TextTask
from testing.scripted import ScriptedModel
from testing.servers import scripted_service

TITLE = TextTask("title", as_json=True, history=(("user", "an owl"),))


def answers(tmp_path: Path, script: list[Any] | None, ask: Callable[[TextAnswers], Any]) -> Any:
    parts = {} if script is None else {"chat_model": ScriptedModel(script=script, seen=[], offered=[])}
    service = scripted_service(tmp_path, **parts)
    try:
        return asyncio.run(ask(TextAnswers(service)))
    finally:
        service.close()


@pytest.mark.parametrize(
    ("script", "title"),
    [
        (None, "An owl"),
        (['{"title": "Owl at Night"}'], "Owl at Night"),
        (['Sure:\n```json\n{"title": "Owl at Night"}\n```'], "Owl at Night"),
        (['<think>{"title": "Draft"}</think>{"title": "Owl at Night"}'], "Owl at Night"),
        (["An owl, of course"], "An owl"),
        (['{"name": "Owl"}'], "An owl"),
        ([""], "An owl"),
        ([], "An owl"),
    ],
)
def test_a_title_comes_from_the_model_or_by_rule(tmp_path: Path, script: list[Any] | None, title: str) -> None:
    written = answers(tmp_path, script, lambda texts: texts.task([("user", "title?")], TITLE))
    assert json.loads(written.text) == {"title": title}


@pytest.mark.parametrize("script", [None, [], [""]])
def test_what_no_rule_answers_is_refused_with_the_way_out(tmp_path: Path, script: list[Any] | None) -> None:
    other = TextTask("other", as_json=False)
    with pytest.raises(ApiError, match="name a chat model with --vlm") as told:
        answers(tmp_path, script, lambda texts: texts.task([("user", "?")], other))
    assert told.value.status == 400
    with pytest.raises(ApiError, match="tool_choice asks for a text"):
        answers(tmp_path, script, lambda texts: texts.words([("user", "?")], "tool_choice"))


@pytest.mark.parametrize(
    ("schema", "answer", "says"),
    [
        ({"type": "object", "required": ["a"]}, "{}", "'a' is a required property"),
        ({"type": "object"}, "none", "no JSON"),
        ({"type": 7}, "{}", "the schema is none"),
        ({"$ref": "http://127.0.0.1:9/schema.json"}, "{}", "can't be followed"),
        ({"$ref": "#/$defs/none"}, "{}", "can't be followed"),
        ({"$ref": "#"}, "{}", "can't be followed"),
    ],
)
def test_json_that_does_not_fit_is_refused(tmp_path: Path, schema: dict[str, Any], answer: str, says: str) -> None:
    with pytest.raises(ApiError, match=says) as told:
        answers(tmp_path, [answer], lambda texts: texts.of_format([("user", "?")], schema, "response_format"))
    assert told.value.param == "response_format"


def test_regular_expressions_of_clients_are_not_run(tmp_path: Path) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}}
    answer = json.dumps({"a": "a" * 60 + "!"})
    assert answers(tmp_path, [answer], lambda texts: texts.of_format([("user", "?")], schema, "f")).text == answer


def test_any_object_fits_no_schema(tmp_path: Path) -> None:
    written = answers(tmp_path, ['{"a": {"b": 1}}'], lambda texts: texts.of_format([("user", "?")], None, "f"))
    assert json.loads(written.text) == {"a": {"b": 1}}


def test_the_last_whole_object_of_a_text_counts() -> None:
    assert json_in('an example {"a": 1}, and the answer {"a": 2} {') == {"a": 2}
    assert json_in("[1, 2]") is None
    assert json_in("{" * 10_000) is None


def test_a_model_that_hangs_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    let_go = threading.Event()

    class Hanging(ScriptedModel):
        def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
            let_go.wait(60)
            raise AssertionError("nobody waits for this")

    monkeypatch.setattr(text_answers, "SECONDS", 0.2)
    service = scripted_service(tmp_path, chat_model=Hanging(script=[], seen=[], offered=[]))
    try:
        written = asyncio.run(TextAnswers(service).task([("user", "title?")], TITLE))
    finally:
        let_go.set()
        service.close()
    assert json.loads(written.text) == {"title": "An owl"}
