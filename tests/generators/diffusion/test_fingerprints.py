"""Equal values have one fingerprint, and others another."""

import numpy as np
import pytest
import torch
from PIL import Image

from imagerag.generators.diffusion.fingerprints import fingerprint

ONES = torch.ones(2, 3)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("owl", "owls"), (1, 1.0), (1, True), (0, False), (None, 0), (["a", "b"], ["ab"]), (["a"], ("a",)),
        (Image.new("RGB", (2, 3)), Image.new("RGB", (3, 2))), (Image.new("L", (2, 2)), Image.new("RGB", (2, 2))),
        (Image.new("RGB", (2, 2), "red"), Image.new("RGB", (2, 2), "blue")), (ONES, ONES.T), (ONES, ONES.double()),
        (ONES, ONES * 2), (torch.tensor(1), torch.tensor(2)), (ONES.bfloat16(), ONES.half()),
    ],
)  # fmt: skip
def test_other_values_have_another(one: object, other: object) -> None:
    assert fingerprint(one) == fingerprint(one)
    assert fingerprint(one) != fingerprint(other)


def test_equal_values_have_the_same_however_they_lie_in_memory() -> None:
    assert fingerprint(torch.arange(6).reshape(2, 3).T) == fingerprint(torch.tensor([[0, 3], [1, 4], [2, 5]]))
    assert fingerprint([Image.new("RGB", (2, 2), "red")]) == fingerprint([Image.new("RGB", (2, 2), (255, 0, 0))])


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(TypeError, match="a ndarray can't be compared"):
        fingerprint(["a", np.zeros(1)])
