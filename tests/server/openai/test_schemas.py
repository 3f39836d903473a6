"""The shapes of OpenAI's API, and its errors."""

import json
from typing import Any

import pytest

from imagerag.server.api_error import ApiError
from imagerag.server.openai.responses.schemas import ResponseRequest
from imagerag.server.openai.schemas import Body, ChatRequest, EditRequest, ImageRequest, chunk_object


def test_an_error_has_openais_shape() -> None:
    error = ApiError(429, "the queue is full", "server_busy", "n", headers={"Retry-After": "3"})
    response = error.response()
    assert (response.status_code, response.headers["retry-after"]) == (429, "3")
    told = json.loads(bytes(response.body))["error"]
    assert (told["message"], told["code"], told["param"]) == ("the queue is full", "server_busy", "n")


def test_a_chunk_ends_with_its_reason() -> None:
    (choice,) = chunk_object("c", "imagerag", {"content": "x"}, "stop")["choices"]
    assert (choice["delta"], choice["finish_reason"]) == ({"content": "x"}, "stop")


@pytest.mark.parametrize("shape", [ChatRequest, ImageRequest, ResponseRequest])
def test_null_is_as_good_as_nothing(shape: type[Body]) -> None:
    needed = {"model": "imagerag", "messages": [{"role": "user", "content": "x"}], "prompt": "x", "input": "x"}
    given = {name: value for name, value in needed.items() if name in shape.model_fields}
    nulls = {name: None for name in shape.model_fields if name not in given}
    assert shape.model_validate(given | nulls | {"user": None}) == shape.model_validate(given)
    assert shape.model_validate(given | nulls | {"user": None}).not_heeded() == []


@pytest.mark.parametrize(("given", "kept"), [("jpg", "jpeg"), ("jpeg", "jpeg"), ("webp", "webp"), ("png", "png")])
def test_formats_have_more_than_one_name(given: str, kept: str) -> None:
    assert ImageRequest.model_validate({"prompt": "x", "output_format": given}).output_format == kept


def test_fields_that_change_nothing_are_named() -> None:
    body = ImageRequest.model_validate({"prompt": "x", "quality": "hd", "style": "vivid", "steps": 4, "size": "auto"})
    assert body.not_heeded() == ["quality", "style", "steps"]


@pytest.mark.parametrize(
    "fields",
    [
        {"images": [{"image_url": "data:,x"}]},
        {"image": "data:,x"},
        {"image": ["data:,x"]},
        {"image": {"image_url": "data:,x"}},
        {"image": [{"image_url": "data:,x"}], "images": None},
    ],
)
def test_pictures_of_an_edit_have_more_than_one_name(fields: dict[str, Any]) -> None:
    body = EditRequest.model_validate({"prompt": "x"} | fields)
    assert [one.image_url for one in body.images] == ["data:,x"]
    assert body.not_heeded() == []
