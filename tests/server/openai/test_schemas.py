"""The shapes of OpenAI's API, and its errors."""

import json

import pytest

from imagerag.server.api_error import ApiError
from imagerag.server.openai.schemas import chunk_object, mode_of


def test_an_error_has_openais_shape() -> None:
    error = ApiError(429, "the queue is full", "server_busy", "n", headers={"Retry-After": "3"})
    response = error.response()
    assert (response.status_code, response.headers["retry-after"]) == (429, "3")
    told = json.loads(bytes(response.body))["error"]
    assert (told["message"], told["code"], told["param"]) == ("the queue is full", "server_busy", "n")


def test_models_name_modes() -> None:
    assert mode_of("imagerag") is None
    assert mode_of("imagerag:auto") == "auto"
    assert mode_of("imagerag:lookup_first") == "lookup_first"
    with pytest.raises(ApiError, match="gpt-image-1"):
        mode_of("gpt-image-1")


def test_a_chunk_ends_with_its_reason() -> None:
    (choice,) = chunk_object("c", "imagerag", {"content": "x"}, "stop")["choices"]
    assert (choice["delta"], choice["finish_reason"]) == ({"content": "x"}, "stop")
