"""Candidates by a request each."""

import pytest
from PIL import Image

from imagerag.errors import DrawingRefused, InvalidArgument
from imagerag.generators.base import UNCONTROLLED, DrawRequest
from imagerag.generators.remote.one_by_one import Drawn, draw_one_by_one

THREE = DrawRequest("an owl", (1, 2, 3))


def failing(*errors: Exception | None) -> list[int | str]:
    """Return the seeds drawn, and the notes of the first of them."""

    def draw(seed: int) -> Drawn:
        error = errors[seed - 1]
        if error is not None:
            raise error
        return Image.new("RGB", (4, 4), (seed, 0, 0)), {"output": seed}

    drawings = draw_one_by_one(THREE, UNCONTROLLED, draw, {"model": "m"})
    assert all(drawing.facts["model"] == "m" for drawing in drawings)
    return [*(drawing.seed for drawing in drawings), *drawings[0].facts["notes"]]


def test_all_are_drawn() -> None:
    assert failing(None, None, None) == [1, 2, 3]


def test_a_refused_one_is_left_out_and_told() -> None:
    assert failing(None, DrawingRefused("not that"), None) == [1, 3, "not that"]


def test_those_before_a_failure_are_kept() -> None:
    assert failing(None, InvalidArgument("went away"), None) == [1, "2 of 3 were not drawn: went away"]


def test_where_none_is_drawn_the_reason_is_raised() -> None:
    with pytest.raises(InvalidArgument, match="went away"):
        failing(InvalidArgument("went away"), None, None)
    refused = DrawingRefused("not that")
    with pytest.raises(DrawingRefused, match="not that"):
        failing(refused, refused, refused)
