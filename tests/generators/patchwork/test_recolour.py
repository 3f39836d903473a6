"""Colour words give things and backgrounds their colour."""

import numpy as np
import pytest
from numpy.typing import NDArray

from imagerag.generators.base import DrawRequest
from imagerag.generators.patchwork import PatchworkGenerator
from imagerag.prompt_grammar.vocabulary import COLOURS
from testing.patchwork_requests import pixels


@pytest.mark.parametrize("colour", ["red", "green", "blue", "purple"])
def test_colour_words(patchwork: PatchworkGenerator, colour: str) -> None:
    drawing = patchwork.draw(DrawRequest(f"a {colour} owl on a yellow background", (1,)))[0]
    image = pixels(drawing)
    wanted, behind = np.array(COLOURS[colour]) / 255, np.array(COLOURS["yellow"]) / 255
    assert image[0, 0] == pytest.approx(behind, abs=0.01)
    drawn = image[np.abs(image - behind).max(axis=-1) > 0.1].mean(axis=0)
    nearest = min(("red", "green", "blue", "purple"), key=lambda name: _hue_distance(drawn, np.array(COLOURS[name])))
    assert nearest == colour
    assert _hue_distance(drawn, wanted) < 0.12


def _hue_distance(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    import colorsys

    difference = abs(colorsys.rgb_to_hsv(*(one / one.max()))[0] - colorsys.rgb_to_hsv(*(other / other.max()))[0])
    return float(min(difference, 1 - difference))
