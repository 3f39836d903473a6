"""Items of an input, and what they say."""

from typing import Any

import pytest

from imagerag.server.api_error import ApiError
from imagerag.server.openai.conversation import Base, Picture, Said
from imagerag.server.openai.responses.items import said_in

SEA = Base("sea", "c1")


def known(item_id: str) -> Base | None:
    return SEA if item_id.endswith("_ours") else None


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({"role": "user", "content": "x"}, Said("user", "x")),
        ({"type": "message", "role": "user", "content": [{"type": "input_text", "text": "x"}]}, Said("user", "x")),
        (
            {"role": "user", "content": [{"type": "input_image", "file_id": "file-1", "detail": "high"}]},
            Said("user", "", (Picture(file_id="file-1"),)),
        ),
        (
            {"role": "user", "content": [{"type": "input_file", "file_url": "https://x/a.png"}]},
            Said("user", "", (Picture(url="https://x/a.png"),)),
        ),
        (
            {
                "type": "message",
                "id": "msg_ours",
                "role": "assistant",
                "status": "completed",
                "content": [
                    {"type": "output_text", "text": "x", "annotations": []},
                    {"type": "refusal", "refusal": "y"},
                ],
            },
            Said("assistant", "x\ny", base=SEA),
        ),
        ({"id": "msg_theirs", "role": "assistant", "content": "x"}, Said("assistant", "x")),
        ({"type": "image_generation_call", "id": "ig_ours", "result": None}, Said("assistant", "", base=SEA)),
        ({"type": "item_reference", "id": "msg_ours"}, Said("assistant", "", base=SEA)),
        ({"type": None, "id": "ig_ours"}, Said("assistant", "", base=SEA)),
    ],
)
def test_each_kind_of_item_says_something(item: dict[str, Any], said: Said) -> None:
    assert said_in([item], known) == ([said], [])


def test_a_text_is_a_users_message() -> None:
    assert said_in("an owl", known) == ([Said("user", "an owl")], [])


def test_items_that_change_nothing_are_named_once() -> None:
    items: list[dict[str, Any]] = [
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"type": "function_call", "name": "f", "arguments": "{}", "call_id": "1"},
        {"type": "function_call_output", "output": "x", "call_id": "1"},
        {"type": "reasoning", "id": "rs_2", "summary": []},
        {"type": "image_generation_call", "id": "ig_theirs", "result": "AAAA"},
        {"role": "developer", "content": "x"},
    ]
    said, unused = said_in(items, known)
    assert [one.role for one in said] == ["developer"]
    assert unused == [
        "input items of type reasoning",
        "input items of type function_call",
        "input items of type function_call_output",
        "input items of type image_generation_call",
        "messages of role developer",
    ]


@pytest.mark.parametrize(
    ("item", "says"),
    [
        ({"role": "user"}, "input.0.content"),
        ({"content": "x"}, "input.0.role"),
        ({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}, "image_url"),
        (
            {"role": "user", "content": [{"type": "input_file", "filename": "x"}]},
            "'file_id', 'file_data' or 'file_url'",
        ),
        ({"type": "item_reference", "id": "msg_theirs"}, "'msg_theirs' is not one of yours"),
    ],
)
def test_mistakes_are_named(item: dict[str, Any], says: str) -> None:
    with pytest.raises(ApiError, match=says):
        said_in([item], known)


@pytest.mark.parametrize(
    ("item", "said", "named"),
    [
        ({"role": "tool", "content": "12", "tool_call_id": "1"}, Said("tool", "12"), ["messages of role tool"]),
        ({"role": "function", "content": None}, Said("function", ""), ["messages of role function"]),
        ({"role": "assistant", "content": None, "tool_calls": []}, Said("assistant", ""), []),
        (
            {"role": "assistant", "content": [{"type": "thinking"}, {"type": "output_text", "text": "x"}]},
            Said("assistant", "x"),
            ["message parts of type thinking"],
        ),
        (
            {"role": "user", "content": [{"type": "input_audio"}]},
            Said("user", ""),
            ["message parts of type input_audio"],
        ),
        (
            {"role": "user", "content": [{"type": "input_image"}]},
            Said("user", ""),
            ["message parts of type input_image"],
        ),
        ({"role": "user", "content": ["x"]}, Said("user", "x"), []),
        ({"role": "user", "content": [3]}, Said("user", ""), ["message parts without a type"]),
    ],
)
def test_a_history_is_read_as_far_as_it_is_understood(item: dict[str, Any], said: Said, named: list[str]) -> None:
    assert said_in([item, {"role": "user", "content": "an owl"}], known) == ([said, Said("user", "an owl")], named)
