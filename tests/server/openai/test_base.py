"""Bodies of requests: no JSON, or another shape."""

from typing import Any

import pytest

from imagerag.server.api_error import ApiError
from imagerag.server.openai.base import validated
from imagerag.server.openai.schemas import ChatRequest, ImageRequest


def test_the_first_field_that_is_wrong_is_named() -> None:
    with pytest.raises(ApiError, match=r"prompt: .*given: '3'"):
        validated(ImageRequest, {"prompt": 3})
    with pytest.raises(ApiError, match="prompt: Field required"):
        validated(ImageRequest, {})


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages.0.content.0.text"),
        ({"messages": [{"role": "user", "content": 3}]}, "messages.0.content"),
        ({"messages": [{"role": "user"}], "imagerag": {"sead": 3}}, "imagerag.sead"),
        ({"messages": [{"role": "user"}], "tool_choice": 3}, "tool_choice"),
        ({"messages": [{"content": "x"}]}, "messages.0.role"),
    ],
)
def test_a_field_is_named_by_where_it_stands_in_what_was_sent(body: Any, place: str) -> None:
    with pytest.raises(ApiError) as told:
        validated(ChatRequest, {"model": "imagerag"} | body)
    assert told.value.param == place
    assert str(told.value).startswith(f"{place}: ")
