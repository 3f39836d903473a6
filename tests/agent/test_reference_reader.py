"""A chat model that says where in a reference a concept is, and what it looks like."""

import pytest
from PIL import Image

from imagerag.agent.reference_reader import SIDE, ReferenceReader
from imagerag.agent.registry import load_reference_reader
from imagerag.chat_models.providers import connect
from imagerag.chat_models.structured import InvalidStructuredAnswer
from imagerag.errors import UserError
from testing.openai_server import Reply, serving

PICTURE = Image.new("RGB", (2000, 1000), "teal")


@pytest.mark.parametrize(
    ("said", "box"),
    [
        ('{"left": 100, "top": 200, "right": 600, "bottom": 800}', (200, 200, 1200, 800)),
        ('{"left": 0, "top": 0, "right": 1000, "bottom": 1000}', (0, 0, 2000, 1000)),
        ('{"whole": true}', None),
        ('{"whole": true, "left": 9, "right": 3}', None),
    ],
)
def test_a_box_in_pixels_of_the_picture_as_it_is(said: str, box: tuple[int, int, int, int] | None) -> None:
    with serving([Reply(said)]) as server:
        assert ReferenceReader(connect(server.name)).box(PICTURE, 'an "owl"') == box
        (request,) = server.requests
    assert r"\"owl\"" in str(request["messages"][0]["content"][0]["text"])
    assert PICTURE.width > SIDE


@pytest.mark.parametrize(
    "said", ['{"left": 600, "top": 0, "right": 100, "bottom": 900}', '{"left": -5}', '{"right": 4000}', "over there"]
)
def test_what_is_no_box_is_asked_once_more_and_then_none(said: str) -> None:
    with serving([Reply(said)] * 9) as server, pytest.raises(InvalidStructuredAnswer):
        ReferenceReader(connect(server.name)).box(PICTURE, "an owl")


def test_what_it_looks_like_is_one_line() -> None:
    with serving([Reply('{"words": "a round\\n bird,  grey"}')]) as server:
        assert ReferenceReader(connect(server.name)).words(PICTURE, "an owl") == "a round bird, grey"


def test_without_a_model_that_takes_images_it_is_said_what_to_name() -> None:
    with pytest.raises(UserError, match="isolation_by 'vlm' needs a model that takes images; name one with --vlm"):
        load_reference_reader("rules", "clip")
