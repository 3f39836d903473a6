"""The layout of the things in a prompt: relations, order and counts."""

from typing import cast

import pytest

from imagerag.generators.base import DrawRequest
from imagerag.generators.layout import arrange
from imagerag.generators.patchwork import PatchworkGenerator
from imagerag.prompt_grammar.parser import parse_scene
from testing.follow_up_checks import Instance, stands
from testing.follow_up_corpus import PREPOSITIONS, PlaceKind
from testing.patchwork_requests import SIZE, boxes, objects


@pytest.mark.slow
def test_layout_of_relations(patchwork: PatchworkGenerator) -> None:
    def middles(prompt: str) -> list[tuple[float, float]]:
        return [((left + right) / 2, (top + bottom) / 2) for left, top, right, bottom in boxes(patchwork, prompt)]

    (cat_x, cat_y), (dog_x, dog_y) = middles("a cat next to a dog")
    assert cat_x < dog_x
    assert abs(cat_y - dog_y) < SIZE / 8
    (cat_x, _), (dog_x, _) = middles("a cat to the right of a dog")
    assert cat_x > dog_x
    for prompt in ("a cat above a house", "a cat on a house"):
        (_, cat_y), (_, house_y) = middles(prompt)
        assert cat_y < house_y
    (_, cat_y), (_, tree_y) = middles("a cat under a tree")
    assert cat_y > tree_y


@pytest.mark.parametrize(
    ("prompt", "front"),
    [("a cat in front of a house", 0), ("a cat behind a house", 1), ("a cat on a house", 0), ("a cat in a house", 0)],
)
def test_what_is_in_front(patchwork: PatchworkGenerator, prompt: str, front: int) -> None:
    things = objects(patchwork.draw(DrawRequest(prompt, (1,)))[0])
    depths = [int(str(thing["depth"])) for thing in things]
    assert depths[front] > depths[1 - front]


@pytest.mark.parametrize(
    "prompt", ["a cat and a dog", "a cat, a dog and an owl", "a cat, a dog, an owl and a fish", "four cats"]
)
def test_things_side_by_side_do_not_hide_each_other(patchwork: PatchworkGenerator, prompt: str) -> None:
    found = boxes(patchwork, prompt)
    assert len(found) >= 2
    for i, (left, top, right, bottom) in enumerate(found):
        assert 0 <= left < right <= SIZE
        assert 0 <= top < bottom <= SIZE
        for other in found[:i]:
            wide = min(right, other[2]) - max(left, other[0])
            high = min(bottom, other[3]) - max(top, other[1])
            assert max(wide, 0) * max(high, 0) < 0.2 * (right - left) * (bottom - top)


@pytest.mark.parametrize(("prompt", "count"), [("a cat", 1), ("three cats", 3), ("six cats", 6), ("a dozen cats", 9)])
def test_counts(patchwork: PatchworkGenerator, prompt: str, count: int) -> None:
    drawing = patchwork.draw(DrawRequest(prompt, (1,)))[0]
    assert [thing["phrase"] for thing in objects(drawing)] == ["cat"] * count
    assert drawing.facts["dropped"] == (["3 more cat"] if count == 9 else [])
    told = [note for note in cast("list[str]", drawing.facts["notes"]) if note.startswith("not drawn")]
    assert len(told) == (count == 9)
    assert all("one picture holds 9 things: 3 more cats;" in note for note in told)


@pytest.mark.parametrize(
    "prompt", ["a small owl", "four large cats", "a cat wearing a hat on a house", "an owl behind a tree"]
)
def test_every_place_lies_on_the_canvas_and_the_backmost_comes_first(prompt: str) -> None:
    scene = parse_scene(prompt)
    places = arrange(scene)
    assert len(places) == sum(thing.count for thing in scene.objects)
    assert [place.depth for place in places] == sorted(place.depth for place in places)
    for place in places:
        assert place.x >= 0
        assert place.y >= 0
        assert max(place.x, place.y) + place.side <= 1 + 1e-9


def test_three_things_stand_to_the_left_and_right_of_each_other_as_said() -> None:
    places = {place.index: place for place in arrange(parse_scene("a dog and a cat to the right of a bird"))}
    assert places[2].x + places[2].side <= min(places[0].x, places[1].x) + 0.15
    places = {place.index: place for place in arrange(parse_scene("a dog to the left of a tree to the left of a cat"))}
    assert places[0].x < places[1].x < places[2].x


@pytest.mark.parametrize("count", [5, 6, 7, 8, 9])
@pytest.mark.parametrize("alike", [True, False])
def test_five_to_nine_things_stand_apart(count: int, alike: bool) -> None:
    things = ["a cat", "a dog", "a tree", "a house", "a car", "an owl", "a fox", "a bus", "a hat"]
    prompt = f"{count} cats" if alike else " and ".join(things[:count])
    places = arrange(parse_scene(prompt))
    assert sorted(place.index for place in places) == [0] * count if alike else list(range(count))
    for at, one in enumerate(places):
        assert 0 <= one.x <= 1 - one.side
        assert 0 <= one.y <= 1 - one.side
        for other in places[at + 1 :]:
            assert max(abs(one.x - other.x), abs(one.y - other.y)) > 0.7 * one.side


def test_five_things_stand_as_said() -> None:
    places = {place.index: place for place in arrange(parse_scene("a cat, a dog, a tree and a house on a car"))}
    car = places.pop(4)
    assert all(place.y + place.side / 2 < car.y + car.side / 2 for place in places.values())
    things = ["a cat", "a dog", "a tree", "a house", "a car"]
    row = arrange(parse_scene(" to the left of ".join(things)))
    assert [place.index for place in sorted(row, key=lambda place: place.x)] == [0, 1, 2, 3, 4]


def test_the_only_thing_can_be_larger_than_usual() -> None:
    (usual,), (large,) = arrange(parse_scene("a dog")), arrange(parse_scene("a large dog"))
    assert large.side > usual.side
    assert large.x == pytest.approx((1 - large.side) / 2)


_SAID: dict[PlaceKind, str] = {**PREPOSITIONS, "below": "under"}


@pytest.mark.parametrize("kind", _SAID)
@pytest.mark.parametrize("first", ["a", "a small", "a large", "two", "two small", "two large"])
@pytest.mark.parametrize("second", ["a", "a small", "a large", "two", "two small", "two large"])
def test_things_of_any_size_and_number_stand_as_said_on_the_canvas(kind: PlaceKind, first: str, second: str) -> None:
    many = {phrase: "s" if "two" in phrase else "" for phrase in (first, second)}
    scene = parse_scene(f"{first} cat{many[first]} {_SAID[kind]} {second} dog{many[second]}")
    places = arrange(scene)
    cats, dogs = (
        [
            Instance("", None, "", (one.x, one.y, one.x + one.side, one.y + one.side), one.depth)
            for one in places
            if one.index == index
        ]
        for index in (0, 1)
    )
    assert len(cats) == scene.objects[0].count
    assert stands(cats, kind, dogs)
    assert all(min(one.x, one.y) >= -1e-9 and max(one.x, one.y) + one.side <= 1 + 1e-9 for one in places)


def test_few_things_are_laid_out_as_they_always_were() -> None:
    """Replays of older pictures draw them pixel by pixel."""
    table = {
        "four cats": [(0.0, 0.0, 0.52), (0.48, 0.0, 0.52), (0.0, 0.48, 0.52), (0.48, 0.48, 0.52)],
        "three cats on a boat": [
            (0.17, 0.34, 0.66), (0.23, 0.373, 0.187), (0.417, 0.373, 0.187), (0.603, 0.373, 0.187),
        ],
        "a cat, a dog, an owl, a fox, a bus and a hat": [
            (0.0, 0.15, 0.4), (0.3, 0.15, 0.4), (0.6, 0.15, 0.4), (0.0, 0.6, 0.4), (0.3, 0.6, 0.4), (0.6, 0.6, 0.4),
        ],
    }  # fmt: skip
    for prompt, wanted in table.items():
        places = [(round(one.x, 3), round(one.y, 3), round(one.side, 3)) for one in arrange(parse_scene(prompt))]
        assert places == wanted


@pytest.mark.parametrize("bearer", ["a", "a small", "a large"])
@pytest.mark.parametrize("worn", ["a hat", "a small hat", "a large hat", "sunglasses", "a scarf"])
def test_what_is_worn_lies_on_its_bearer_whatever_the_sizes(bearer: str, worn: str) -> None:
    """Not so a coat, which hangs below the head that is drawn before it."""
    places = arrange(parse_scene(f"{bearer} cat wearing {worn}"))
    (cat,), (thing,) = (
        [
            Instance("", None, "", (one.x, one.y, one.x + one.side, one.y + one.side), one.depth)
            for one in places
            if one.index == index
        ]
        for index in (0, 1)
    )
    assert stands([thing], "on", [cat])
