"""Colour words give things and backgrounds their colour."""

import numpy as np
import pytest
from numpy.typing import NDArray

from imagerag.generators.base import DrawRequest
from imagerag.generators.patchwork import PatchworkGenerator
from imagerag.generators.patchwork.recolour import recolour, share_palette
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


def test_a_cut_out_takes_the_colour_and_keeps_its_outline_and_its_shape() -> None:
    cut = np.zeros((20, 20, 4), np.float32)
    cut[4:16, 4:16] = (0.5, 0.5, 0.5, 1)
    cut[4:6, 4:16, :3] = 0.02
    red = recolour(cut, (255, 0, 0))
    assert red.shape == cut.shape
    assert (red[..., 3] == cut[..., 3]).all()
    assert red[10, 10, 0] > 0.8 > 0.3 > red[10, 10, 1]
    assert red[4, 10, :3].max() < 0.2, "dark lines stay dark"


def test_a_palette_is_shared_from_the_leader_which_stays_as_it_is() -> None:
    examples = np.ones((2, 4, 8, 8), np.float32)
    examples[0, :3] = np.array([0.8, 0.2, 0.2]).reshape(3, 1, 1)
    examples[1, :3] = np.array([0.2, 0.2, 0.8]).reshape(3, 1, 1)
    shared = share_palette(examples, leader=0, strength=1.0)
    assert (shared[0] == examples[0]).all()
    assert shared[1, 0].mean() > examples[1, 0].mean(), "it has become redder"
    assert np.allclose(share_palette(examples, 0, 0.0), examples, atol=1e-3)
