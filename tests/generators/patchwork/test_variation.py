"""Several things of a kind are drawn from different pictures."""

import numpy as np
import torch

from imagerag.generators.base import DrawRequest
from imagerag.generators.patchwork import PatchworkGenerator
from imagerag.generators.patchwork.variation import vary
from testing.patchwork_requests import objects


def test_two_of_a_kind_are_not_the_same_drawing_twice(patchwork: PatchworkGenerator) -> None:
    drawing = patchwork.draw(DrawRequest("two owls", (7,)))[0]
    first, second = [np.asarray(drawing.image.crop(thing["box"]), float) for thing in objects(drawing)]
    assert np.abs(first - second).mean() > 3


def test_each_examples_variation_depends_on_the_seed_and_its_own_key_alone() -> None:
    examples = torch.rand(3, 4, 32, 32, generator=torch.Generator().manual_seed(0))
    examples[:, :3] *= examples[:, 3:]
    prior = torch.log(torch.tensor([0.5, 0.3, 0.2]))
    three, weights = vary(examples, prior, [11, 12, 13], 7, tint=False)
    two, _ = vary(examples[:2], prior[:2], [11, 12], 7, tint=False)
    other, _ = vary(examples, prior, [11, 12, 13], 8, tint=False)
    assert torch.equal(three[:2], two)
    assert not torch.equal(three, other)
    assert (three.shape, weights.shape) == ((3, 4, 32, 32), (3, 32, 32))
    assert 0 <= three.min() <= three.max() <= 1
