"""What is asked for besides a picture."""

from typing import Any

import pytest

from imagerag.server.api_error import ApiError
from imagerag.server.openai.asking_for_text import check_chat, format_of, refuse_calls, wanted_format
from imagerag.server.openai.schemas import ChatRequest


def request(**fields: Any) -> ChatRequest:
    return ChatRequest.model_validate({"model": "imagerag", "messages": [{"role": "user", "content": "x"}]} | fields)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"tool_choice": "auto", "tools": [{"type": "function"}]},
        {"tool_choice": "none"},
        {"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{"type": "function"}]}}},
        {"tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": []}},
        {"tool_choice": {"type": "auto"}},
        {"function_call": "auto"},
        {"modalities": ["text"]},
        {"response_format": {"type": "text"}},
    ],
)
def test_usual_requests_pass(fields: dict[str, Any]) -> None:
    check_chat(request(**fields))
    assert format_of(request(**fields)) is None


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": {"type": "allowed_tools", "allowed_tools": {}}}, "tool_choice"),
        ({"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "required"}}}, "tool_choice"),
        ({"tool_choice": {"type": "function", "function": {"name": "f"}}}, "tool_choice"),
        ({"function_call": {"name": "f"}}, "function_call"),
        ({"modalities": ["audio"]}, "modalities"),
        ({"audio": {"voice": "x"}}, "audio"),
    ],
)
def test_calls_and_sound_are_refused_by_name(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(ApiError) as told:
        check_chat(request(**fields))
    assert told.value.param == param


def test_the_schema_is_found() -> None:
    found = format_of(
        request(response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": {"a": 1}}})
    )
    assert found == ({"a": 1}, "response_format")
    assert format_of(request(response_format={"type": "json_object"})) == (None, "response_format")
    with pytest.raises(ApiError, match="holds no schema"):
        wanted_format("json_schema", None, "text.format")


def test_a_refusal_clips_what_was_given() -> None:
    with pytest.raises(ApiError) as told:
        refuse_calls("tool_choice", "x" * 5000)
    assert len(str(told.value)) < 400
