"""What a response's request may hold."""

from typing import Any

import pytest

from imagerag.server.api_error import ApiError
from imagerag.server.openai.responses.schemas import ResponseRequest


def request(**fields: Any) -> ResponseRequest:
    return ResponseRequest.model_validate({"input": "x"} | fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"tool_choice": "required"},
        {"tool_choice": "required", "tools": [{"type": "image_generation"}]},
        {"tool_choice": {"type": "image_generation"}},
        {"tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]}},
        {"tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [{"type": "image_generation"}]}},
        {"tool_choice": "none", "tools": [{"type": "function", "name": "f"}]},
    ],
)
def test_choices_that_a_drawing_satisfies_pass(fields: dict[str, Any]) -> None:
    body = request(**fields)
    body.check()
    assert not body.wants_words()


def test_drawing_that_may_not_be_done_leaves_words() -> None:
    assert request(tool_choice="none", tools=[{"type": "image_generation"}]).wants_words()


def test_the_style_is_that_of_the_tool() -> None:
    tools = [{"type": "web_search"}, {"type": "image_generation", "output_format": "jpg", "output_compression": 40}]
    style = request(tools=tools).style
    assert (style.output_format, style.output_compression) == ("jpeg", 40)
    assert request().style.output_format == "png"


def test_the_schema_is_found() -> None:
    wanted = {"format": {"type": "json_schema", "name": "x", "schema": {"type": "object"}, "strict": True}}
    assert request(text=wanted).wanted_format() == ({"type": "object"}, "text.format")
    assert request(text={"format": {"type": "json_object"}}).wanted_format() == (None, "text.format")
    assert request(text={"verbosity": "low"}).wanted_format() is None
    assert request(text={"verbosity": "low"}).unused() == ["text.verbosity"]


def test_a_thread_and_a_previous_response_are_too_much() -> None:
    with pytest.raises(ApiError, match="not both"):
        request(previous_response_id="resp_1", imagerag={"thread": "sea"}).check()
