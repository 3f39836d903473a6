"""Things of a scene, moved about as they are said."""

import pytest

from imagerag.agent.follow_up.scene_edit import CannotChange, items_of, removed, taken_apart, with_items
from imagerag.prompt_grammar.parser import parse_scene

PROMPTS = (
    "a robot playing a guitar",
    "a dog wearing a crown on a beach",
    "a bird on a dog and a cat",
    "a sun above a castle and a tree",
    "two dogs",
)


@pytest.mark.parametrize("prompt", PROMPTS)
def test_a_scene_is_what_its_things_say(prompt: str) -> None:
    scene = parse_scene(prompt)
    assert with_items(scene, items_of(scene)) == scene
    assert parse_scene(with_items(scene, items_of(scene)).describe()) == scene


def test_a_wearer_goes_with_what_it_wears_and_a_relation_to_several_stays_with_the_others() -> None:
    scene = parse_scene("a dog wearing a crown and a cat")
    assert with_items(scene, removed(items_of(scene), 0)).describe() == "a cat"
    scene = parse_scene("a sun above a castle and a tree")
    assert with_items(scene, removed(items_of(scene), 1)).describe() == "a sun above a tree"


def test_one_of_several() -> None:
    items, place = taken_apart(items_of(parse_scene("three dogs")), 0, 1)
    assert [item.thing.count for item in items] == [1, 1, 1]
    assert place == 1


@pytest.mark.parametrize("many", [0, 10])
def test_what_a_picture_can_not_hold(many: int) -> None:
    with pytest.raises(CannotChange):
        with_items(parse_scene("a dog"), items_of(parse_scene("a dog")) * many)
