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


@pytest.mark.slow
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
    with pytest.raises(ApiError, match="ask for a picture, or name a chat model with --vlm") as told:
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


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ('{"a": 1} (I checked it: {"valid": true})', {"a": 1}),
        ("Sure:\n{'a': 1,}", {"a": 1}),
        ('{"a": "x"}\nNo, rather:\n{"a": 2}\n{"note": {"a": 3}}', {"a": 2}),
    ],
)
def test_the_last_object_that_fits_the_schema_counts(tmp_path: Path, answer: str, value: dict[str, Any]) -> None:
    schema = {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}}
    written = answers(tmp_path, [answer], lambda texts: texts.of_format([("user", "?")], schema, "response_format"))
    assert {"a": json.loads(written.text)["a"]} == value


@pytest.mark.parametrize(
    "answer", ['{"title": "Owl"} {"confidence": 0.9}', "{'title': 'Owl'}", '{"title": "Owl",}', '{"title": "Owl"']
)
def test_the_last_object_with_the_tasks_key_counts(tmp_path: Path, answer: str) -> None:
    written = answers(tmp_path, [answer], lambda texts: texts.task([("user", "title?")], TITLE))
    assert json.loads(written.text) == {"title": "Owl"}


@pytest.mark.parametrize(
    ("answer", "title"),
    [('{"isNewTopic": false, "title": null}', None), ('{"title": "Owl"}', "An owl"), ("no", "An owl")],
)
def test_a_check_for_a_new_topic_keeps_both_fields(tmp_path: Path, answer: str, title: str | None) -> None:
    task = TextTask("topic", as_json=True, history=(("user", "an owl"),))
    written = answers(tmp_path, [answer], lambda texts: texts.task([("user", "?")], task))
    assert json.loads(written.text) == {"isNewTopic": title is not None, "title": title}


@pytest.mark.parametrize(
    ("answer", "first"), [('["Why?", "How?"]', "Why?"), ("Sure [1]: ['Why?'] ok", "Why?"), ("None", "Now make it blue")]
)
def test_a_list_is_asked_for_and_given(tmp_path: Path, answer: str, first: str) -> None:
    task = TextTask("follow_ups", as_json=False, as_list=True)
    written = answers(tmp_path, [answer], lambda texts: texts.task([("user", "?")], task))
    assert json.loads(written.text)[0] == first


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
