"""Sizes and numbers of things, and what no longer fits."""

from imagerag.prompt_grammar.noun_phrase import MAX_INSTANCES, MAX_SINGLE, SceneObject, fits
from imagerag.prompt_grammar.parser import parse_scene
from imagerag.prompt_grammar.scene import Scene
from testing.scene_names import NAMES


def test_sizes() -> None:
    scene = parse_scene("a tiny cat and a huge dog", NAMES)
    assert [thing.size for thing in scene.objects] == ["small", "large"]


def test_what_does_not_fit_is_named() -> None:
    scene = parse_scene("a cat, a dog, an owl, a lobster, a tree, a house and a horse", NAMES)
    assert len(scene.objects) == MAX_SINGLE
    assert scene.dropped == ("a horse",)
    assert parse_scene("nine owls", NAMES) == Scene((SceneObject("owl", 4),), dropped=("5 more owl",))


def test_more_things_fit_where_each_is_there_once() -> None:
    scene = parse_scene("a cat, a dog, an owl, a lobster and a horse", NAMES)
    assert [thing.phrase for thing in scene.objects] == ["cat", "dog", "owl", "lobster", "horse"]
    assert scene.dropped == ()
    assert parse_scene(scene.describe(), NAMES) == scene
    several = parse_scene("a cat, a dog, an owl, a lobster, a tree and a house", NAMES).objects
    assert (fits(several), fits([*several, SceneObject("horse")])) == (True, False)
    assert (fits([SceneObject("cat", 2), *several[1:3]]), fits([SceneObject("cat", 2), *several[1:4]])) == (True, False)
    assert not fits([several[0]] * 5), "five of a kind, each by itself"
    crowded = parse_scene("two cats, a dog, an owl and a horse", NAMES)
    assert sum(thing.count for thing in crowded.objects) == MAX_INSTANCES
    assert crowded.dropped == ("1 more cat",)


def test_every_named_thing_comes_before_one_more_of_another() -> None:
    scene = parse_scene("five owls and a dog", NAMES)
    assert [(thing.phrase, thing.count) for thing in scene.objects] == [("owl", 3), ("dog", 1)]
    assert scene.dropped == ("1 more owl", "1 more owl")
