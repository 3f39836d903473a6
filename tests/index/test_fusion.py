"""Fusion of rankings, and variety among what was found."""

import numpy as np
import pytest

from imagerag.index.fusion import RRF, fuse, most_relevant, ranked


def test_variety_takes_the_unlike_before_the_copies() -> None:
    vectors = np.array([[1, 0, 0], [0.999, 0.0447, 0], [0.99, 0, 0.141], [0, 1, 0]], np.float32)
    assert most_relevant(vectors, 2, 0.0) == [0, 1]
    assert most_relevant(vectors, 2, 0.7) == [0, 3]


def test_fusing_ranks_goes_by_the_sum_of_reciprocals() -> None:
    score = fuse([["a", "b"], ["b", "c"]])
    assert sorted(score, key=lambda key: -score[key]) == ["b", "a", "c"]
    assert score["b"] == pytest.approx(1 / 62 + 1 / 61)


def test_ranks_are_fused_by_reciprocals_and_ties_go_by_key() -> None:
    score = fuse([["b", "a"], ["b"], ["c"]])
    assert score == {
        "b": pytest.approx(2 / (RRF + 1)),
        "a": pytest.approx(1 / (RRF + 2)),
        "c": pytest.approx(1 / (RRF + 1)),
    }
    assert ranked(score) == ["b", "c", "a"]
    assert ranked({"y": 1.0, "x": 1.0}) == ["x", "y"]
    assert fuse([]) == {}
