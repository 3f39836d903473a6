"""Images APIs are asked for what they draw nearest to the size that is wanted."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from imagerag.generators.base import DrawRequest
from imagerag.generators.registry import load_generator
from imagerag.generators.remote.remote_sizes import RATIOS, SIDES, canvas, ratio, sized_inputs
from imagerag.picture_size import PictureSize
from testing.maker_servers import maker_server

WIDE = PictureSize.aspect("16:9")


@pytest.mark.parametrize("wanted", ["16:9", "9:16", "1:1", "3:2", "21:9", "7:5"])
def test_sides_are_what_the_apis_take_and_near_to_the_ratio(wanted: str) -> None:
    asked = PictureSize.aspect(wanted)
    width, height = canvas(asked)
    assert (width, height) in SIDES.canvases()
    assert width / height == pytest.approx(asked.ratio, rel=0.06)
    assert canvas(None) == (1024, 1024)


@pytest.mark.parametrize(("wanted", "told"), [("16:9", "16:9"), ("1920x1080", "16:9"), ("7:5", "4:3"), ("1:9", "9:16")])
def test_the_nearest_of_a_few_ratios(wanted: str, told: str) -> None:
    assert ratio(PictureSize.parse(wanted)) == told
    assert ratio(None) == "1:1"
    assert told in RATIOS


def test_fields_of_a_model_that_ask_for_a_square() -> None:
    inputs = {"aspect_ratio": "1:1", "output_format": "png"}
    assert sized_inputs(inputs, None) == inputs
    assert sized_inputs(inputs, WIDE) == {"aspect_ratio": "16:9", "output_format": "png"}
    sides = sized_inputs({"image_size": "square_hd"}, WIDE)["image_size"]
    assert sides == dict(zip(("width", "height"), canvas(WIDE), strict=True))


def _sides(fields: Mapping[str, Any]) -> Any:
    return fields["width"], fields["height"]


@pytest.mark.parametrize(
    ("prefix", "asked", "expected"),
    [
        ("bfl", _sides, canvas(WIDE)),
        ("together", _sides, canvas(WIDE)),
        ("fal", lambda fields: tuple(fields["image_size"].values()), canvas(WIDE)),
        ("replicate", lambda fields: fields["input"]["aspect_ratio"], "16:9"),
        ("stability", lambda fields: fields["aspect_ratio"], "16:9"),
        ("recraft", lambda fields: fields["size"], "1820x1024"),
    ],
)
def test_each_maker_is_asked(prefix: str, asked: Callable[[Mapping[str, Any]], Any], expected: Any) -> None:
    with maker_server(prefix) as server:
        load_generator.cache_clear()
        load_generator(server.name).draw(replace(DrawRequest("an owl", (1,)), size=WIDE))
    assert asked(server.submissions[0].fields) == expected
