"""Sides and corners in words."""

import pytest

from imagerag.agent.follow_up.sides import frame_cut, frame_of
from testing.follow_ups import changed


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("up top on the left", "in the top left corner"),
        ("in the bottom right corner", "in the bottom right corner"),
        ("to the left", "on the left"),
        ("on the left right", None),
        ("on the sofa", None),
    ],
)
def test_sides(text: str, place: str | None) -> None:
    assert frame_of(text.split()) == place


def test_where_the_words_for_a_side_begin() -> None:
    assert frame_cut(["a", "moon", "up", "top", "on", "the", "left"]) == 2


@pytest.mark.parametrize(
    ("request_", "result"),
    [
        ("with a moon up top on the left", "a dog to the right of a moon"),
        ("give it a ball on the right", "a dog to the left of a ball"),
        ("a tree on each side", "a dog to the right of a tree to the left of a tree"),
    ],
)
def test_new_things_on_sides(request_: str, result: str) -> None:
    assert changed(request_) == result
