"""Sizes and numbers of things, and what no longer fits."""

import pytest

from imagerag.prompt_grammar.noun_phrase import MAX_INSTANCES, SceneObject, fits
from imagerag.prompt_grammar.parser import parse_scene
from imagerag.prompt_grammar.scene import Scene
from testing.scene_names import NAMES


def test_sizes() -> None:
    scene = parse_scene("a tiny cat and a huge dog", NAMES)
    assert [thing.size for thing in scene.objects] == ["small", "large"]


@pytest.mark.parametrize(
    ("prompt", "counts"),
    [
        ("five owls", {"owl": 5}),
        ("six owls", {"owl": 6}),
        ("9 cats", {"cat": 9}),
        ("half a dozen owls", {"owl": 6}),
        ("a half dozen owls", {"owl": 6}),
        ("2 cats, 3 dogs, 1 owl", {"cat": 2, "dog": 3, "owl": 1}),
        ("a dog, two cats and three owls", {"dog": 1, "cat": 2, "owl": 3}),
        ("a cat, a dog, an owl, a lobster, a tree, a house and a horse and a hat", dict.fromkeys(
            ("cat", "dog", "owl", "lobster", "tree", "house", "horse", "hat"), 1)),
    ],
)  # fmt: skip
def test_up_to_nine_things_fit_whether_they_repeat_or_not(prompt: str, counts: dict[str, int]) -> None:
    scene = parse_scene(prompt, NAMES)
    assert {thing.phrase: thing.count for thing in scene.objects} == counts
    assert scene.dropped == ()
    assert parse_scene(scene.describe(), NAMES) == scene


@pytest.mark.parametrize(
    ("prompt", "more"),
    [
        ("a dozen owls", 3),
        ("a dozen of owls", 3),
        ("twelve owls", 3),
        ("fifteen owls", 6),
        ("two dozen owls", 15),
        ("a hundred owls", 91),
        ("120 owls", 111),
    ],
)
def test_numbers_above_the_limit_are_read_and_what_is_left_out_is_named(prompt: str, more: int) -> None:
    assert parse_scene(prompt, NAMES) == Scene((SceneObject("owl", 9),), dropped=(f"{more} more owl",))


def test_what_does_not_fit_is_named() -> None:
    scene = parse_scene("a cat, a dog, an owl, a lobster, a tree, a house, a horse, a hat, a bus and a mouse", NAMES)
    assert len(scene.objects) == MAX_INSTANCES
    assert scene.dropped == ("a mouse",)
    several = parse_scene("two cats and seven dogs", NAMES).objects
    assert (fits(several), fits([*several, SceneObject("horse")])) == (True, False)


def test_every_named_thing_comes_before_one_more_of_another() -> None:
    scene = parse_scene("ten owls and a dog", NAMES)
    assert [(thing.phrase, thing.count) for thing in scene.objects] == [("owl", 8), ("dog", 1)]
    assert scene.dropped == ("2 more owl",)


@pytest.mark.parametrize(
    ("prompt", "thing"),
    [
        ("a piece of cheese", SceneObject("cheese")),
        ("two slices of pizza", SceneObject("pizza", 2)),
        ("some kind of owl", SceneObject("owl")),
        ("a small bit of red apple", SceneObject("red apple", size="small")),
        ("a slice of the green cake", SceneObject("cake", colour="green")),
        ("a flock of owls", SceneObject("owl", 2)),
        ("three bunches of red grapes", SceneObject("grapes", 3, "red")),
        ("a plate of scissors", SceneObject("scissors")),
        ("a bottle of salt", SceneObject("bottle of salt")),
        ("a jar of salt", SceneObject("jar of salt")),
        ("two cups of tea", SceneObject("cup of tea", 2)),
        ("a jar of owls", SceneObject("jar of owls")),
        ("a statue of an owl", SceneObject("statue of an owl")),
    ],
)
def test_a_measure_is_no_thing_unless_it_has_a_picture(prompt: str, thing: SceneObject) -> None:
    names = NAMES | {"grapes", "jar"}
    scene = parse_scene(prompt, names)
    assert scene.objects == (thing,)
    assert parse_scene(scene.describe(), names) == scene


@pytest.mark.parametrize(
    ("prompt", "thing"),
    [
        ("a pair of gloves", SceneObject("gloves")),
        ("a pair of red shoes", SceneObject("shoes", colour="red")),
        ("two pairs of glasses", SceneObject("glasses", 2)),
        ("a pair of owls", SceneObject("owl", 2)),
        ("two pairs of owls", SceneObject("owl", 4)),
    ],
)
def test_a_pair_of_what_is_worn_in_pairs_is_one(prompt: str, thing: SceneObject) -> None:
    assert parse_scene(prompt, NAMES).objects == (thing,)
