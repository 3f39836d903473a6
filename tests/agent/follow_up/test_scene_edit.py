"""Things of a scene, moved about as they are said."""

from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagerag.agent.follow_up.scene_edit import CannotChange, Item, items_of, removed, taken_apart, with_items
from imagerag.prompt_grammar.noun_phrase import SceneObject, fits
from imagerag.prompt_grammar.parser import parse_scene
from imagerag.prompt_grammar.scene import Scene
from imagerag.prompt_grammar.vocabulary import RelationKind
from testing.scene_names import NAMES

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


THINGS = st.builds(
    SceneObject,
    st.sampled_from(sorted(NAMES - {"red apple"})),
    st.integers(1, 3),
    st.sampled_from([None, "red", "light blue"]),
    st.sampled_from(["small", "normal", "large"]),
)
JOINED = st.builds(Item, st.sampled_from(["and", *get_args(RelationKind)]), THINGS)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(JOINED, min_size=1, max_size=6, unique_by=lambda item: item.thing.phrase).filter(
        lambda items: fits([item.thing for item in items])
    )
)
def test_a_description_says_who_stands_where_and_wears_what(items: list[Item]) -> None:
    scene = with_items(Scene(), items)
    read = parse_scene(scene.describe(), NAMES)
    assert read.objects == scene.objects
    assert [relation[:3] for relation in read.relations] == [relation[:3] for relation in scene.relations]


def test_who_wears_something_is_told_from_who_stands_beside() -> None:
    things = [Item("and", SceneObject("dog")), Item("above", SceneObject("owl")), Item("wearing", SceneObject("hat"))]
    assert with_items(Scene(), things).describe() == "a dog above an owl with a hat"
    star = [*things[:2], Item("wearing", SceneObject("star"))]
    assert with_items(Scene(), star).describe() == "a dog above an owl dressed in a star"


def test_a_garment_goes_with_its_wearer() -> None:
    worn = items_of(parse_scene("an owl wearing a hat"))
    moved = with_items(Scene(), [Item("and", SceneObject("dog")), Item("above", worn[0].thing), worn[1]])
    assert moved.relations[-1].subject == (1,)
