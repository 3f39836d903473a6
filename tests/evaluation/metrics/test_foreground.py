"""Which patches are the subject."""

import numpy as np

from imagerag.evaluation.metrics.foreground import foreground


def features(labels: list[int], seed: int = 0) -> np.ndarray:
    """Patches of as many kinds as there are labels, each kind a direction with some noise."""
    rng = np.random.default_rng(seed)
    kinds = np.eye(16)[np.array(labels)]
    rows = kinds + rng.normal(0, 0.05, kinds.shape)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_the_smaller_of_two_kinds_is_the_subject() -> None:
    labels = [0] * 30
    for place in (7, 8, 13, 14):
        labels[place] = 1
    for seed in range(5):
        np.testing.assert_array_equal(foreground(features(labels, seed)), np.array(labels) == 1)


def test_patches_that_are_all_alike_have_no_subject() -> None:
    assert not foreground(features([0] * 9)).any()
    assert not foreground(features([0])).any()


def test_each_side_has_something() -> None:
    found = foreground(features(list(range(16))))
    assert found.dtype == np.bool_
    assert found.shape == (16,)
