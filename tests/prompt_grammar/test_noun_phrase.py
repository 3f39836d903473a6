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
