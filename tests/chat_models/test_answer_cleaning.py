"""Answers made into what tools and checkpoints can take."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage

from imagerag.chat_models.answer_cleaning import arguments_in, tidy
from testing.strategies import ARGUMENTS


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arguments=ARGUMENTS, text=st.text())
def test_what_is_tidied_can_be_stored(arguments: dict[str, object], text: str) -> None:
    call = {"name": "generate", "args": arguments, "id": "", "type": "tool_call"}
    tidied = tidy(AIMessage(text, tool_calls=[call, call]))
    assert len({made["id"] for made in tidied.tool_calls}) == 2
    tidied.model_dump_json().encode()


def test_too_many_calls_without_names_or_ids_can_all_be_answered() -> None:
    calls = [{"name": "", "args": {}, "id": "same", "type": "tool_call"} for _ in range(20)]
    cleaned = tidy(AIMessage("x" * 9000, tool_calls=calls))
    assert len(cleaned.tool_calls) == 8
    assert len({call["id"] for call in cleaned.tool_calls}) == 8
    assert all(call["name"] for call in cleaned.tool_calls)
    assert len(cleaned.text) == 4000


def test_an_answer_without_fault_stays_as_it_is() -> None:
    sound = AIMessage("drawing", tool_calls=[{"name": "generate", "args": {"prompt": "x"}, "id": "1"}])
    assert tidy(sound) is sound


def test_arguments_are_read_from_an_object_or_json_made_a_string_once_or_twice() -> None:
    wanted = {"prompt": "an owl"}
    for sent in (wanted, json.dumps(wanted), json.dumps(json.dumps(wanted))):
        assert arguments_in(sent) == wanted
    assert "not_json" in arguments_in("[1]")
