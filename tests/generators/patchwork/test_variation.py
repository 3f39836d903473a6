"""Several things of a kind are drawn from different pictures."""

import numpy as np

from imagerag.generators.base import DrawRequest
from imagerag.generators.patchwork import PatchworkGenerator
from testing.patchwork_requests import objects


def test_two_of_a_kind_are_not_the_same_drawing_twice(patchwork: PatchworkGenerator) -> None:
    drawing = patchwork.draw(DrawRequest("two owls", (7,)))[0]
    first, second = [np.asarray(drawing.image.crop(thing["box"]), float) for thing in objects(drawing)]
    assert np.abs(first - second).mean() > 3
