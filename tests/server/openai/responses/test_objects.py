"""The JSON of responses, as the official client's types have it."""

from openai.types.responses import Response

from imagerag.server.openai.responses.objects import Draft, response_id_of, text_part, usage_of
from imagerag.server.openai.responses.schemas import ResponseRequest


def draft() -> Draft:
    body = {
        "input": "an owl",
        "tools": [{"type": "image_generation", "size": "64x64"}, {"type": "function", "name": "f", "strict": True}],
        "metadata": {"a": "b"},
        "tool_choice": "auto",
    }
    return Draft(ResponseRequest.model_validate(body), ["tools.function"])


def test_a_response_is_what_the_official_client_takes() -> None:
    made = draft()
    output = [made.picture("completed", size="64x64", prompt="an owl"), made.message("done", "completed")]
    told = made.response("completed", output, tokens=3, about={"thread": "sea"})
    parsed = Response.model_validate(told)
    assert parsed.output_text == "done"
    assert (parsed.usage.total_tokens if parsed.usage else None) == 3
    assert [tool.type for tool in parsed.tools] == ["image_generation", "function"]
    assert parsed.metadata == {"a": "b"}
    assert told["imagerag"] == {"thread": "sea", "not_heeded": ["tools.function"]}


def test_one_that_is_begun_has_no_usage_and_an_empty_message() -> None:
    made = draft()
    assert made.response("in_progress", [])["usage"] is None
    assert made.message("", "in_progress")["content"] == []
    assert made.message("x", "completed")["content"] == [text_part("x")]


def test_items_lead_back_to_their_response() -> None:
    made = draft()
    for item in (made.id, made.message_id, made.picture_id):
        assert response_id_of(item) == made.id
    assert response_id_of("fc_1") is None


def test_tokens_are_counted_as_input() -> None:
    assert usage_of(5)["input_tokens"] == usage_of(5)["total_tokens"] == 5
