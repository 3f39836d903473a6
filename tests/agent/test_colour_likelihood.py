"""The likelihood of a colour, of an object and of the background."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from imagerag.agent.colour_likelihood import background_likelihood, object_likelihood, repainted


@pytest.fixture
def red_and_yellow() -> Image.Image:
    """A small red square at the left, a large yellow one at the right, on white."""
    image = Image.new("RGB", (128, 128), "white")
    pen = ImageDraw.Draw(image)
    pen.rectangle((10, 50, 40, 80), fill=(220, 38, 38))
    pen.rectangle((60, 20, 120, 110), fill=(250, 210, 45))
    return image


def test_the_colour_of_one_thing_is_not_diluted_by_another(red_and_yellow: Image.Image) -> None:
    assert object_likelihood(red_and_yellow, "red") < 0.5
    assert object_likelihood(red_and_yellow, "red", (0, 40, 50, 90)) > 0.6
    assert object_likelihood(red_and_yellow, "yellow", (0, 40, 50, 90)) < 0.1


def test_the_background_is_what_the_frame_shows(red_and_yellow: Image.Image) -> None:
    assert background_likelihood(red_and_yellow, "white") == 1
    assert background_likelihood(red_and_yellow, "yellow") == 0


def test_a_repainted_view_has_another_colour_in_the_same_places(red_and_yellow: Image.Image) -> None:
    views = list(repainted(red_and_yellow))
    assert views
    for view in views:
        pixels = np.asarray(view, dtype=int)
        assert tuple(pixels[0, 0]) == (255, 255, 255)
        assert np.abs(pixels[65, 25] - (220, 38, 38)).max() > 60
