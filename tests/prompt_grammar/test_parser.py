"""Parsing prompts: things, relations, other scripts and any text at all."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagerag.prompt_grammar.noun_phrase import SceneObject, fits
from imagerag.prompt_grammar.parser import parse_scene
from testing.scene_names import NAMES


def objects(prompt: str) -> list[tuple[str, int]]:
    return [(thing.phrase, thing.count) for thing in parse_scene(prompt, NAMES).objects]


def relations(prompt: str) -> list[tuple[str, tuple[int, ...], tuple[int, ...]]]:
    return [tuple(relation)[:3] for relation in parse_scene(prompt, NAMES).relations]


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("an owl", [("owl", 1)]),
        ("Owl.", [("owl", 1)]),
        ("owls", [("owl", 2)]),
        ("two owls and a cat", [("owl", 2), ("cat", 1)]),
        ("3 owls", [("owl", 3)]),
        ("a pair of owls", [("owl", 2)]),
        ("three mice", [("mouse", 3)]),
        ("two buses", [("bus", 2)]),
        ("a cat, a dog and an owl", [("cat", 1), ("dog", 1), ("owl", 1)]),
        ("a lobster in a kimono", [("lobster", 1), ("kimono", 1)]),
        ("draw me a picture of an owl", [("owl", 1)]),
        ("please draw an owl", [("owl", 1)]),
        ("a red apple", [("red apple", 1)]),
        ("a cup of tea", [("cup of tea", 1)]),
        ("two cups of tea", [("cup of tea", 2)]),
        ("a house with a garden", [("house with garden", 1)]),
        ("a woman in lotus position", [("woman in lotus position", 1)]),
        ("a teacup without handle and a cat", [("teacup without handle", 1), ("cat", 1)]),
        ("a cat sitting on a table", [("cat", 1), ("table", 1)]),
        ("a shiny flibbertigibbet", [("shiny flibbertigibbet", 1)]),
    ],
)
def test_objects(prompt: str, expected: list[tuple[str, int]]) -> None:
    assert objects(prompt) == expected


def test_a_name_of_several_words_needs_to_be_known() -> None:
    assert [thing.phrase for thing in parse_scene("a house with a garden").objects] == ["house", "garden"]
    assert parse_scene("a red apple").objects == (SceneObject("apple", colour="red"),)


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a cat next to a dog", [("beside", (0,), (1,))]),
        ("a cat to the left of a dog", [("left of", (0,), (1,))]),
        ("a cat above a dog", [("above", (0,), (1,))]),
        ("a cat under a tree", [("below", (0,), (1,))]),
        ("a cat on top of a house", [("on", (0,), (1,))]),
        ("a cat in front of a house", [("in front of", (0,), (1,))]),
        ("a cat behind a house", [("behind", (0,), (1,))]),
        ("a cat in a house", [("inside", (0,), (1,))]),
        ("a lobster in a kimono", [("wearing", (0,), (1,))]),
        ("a cat with a hat", [("wearing", (0,), (1,))]),
        ("a cat holding a cup of tea", [("with", (0,), (1,))]),
        ("a cat and a dog", []),
        ("a sun above a house and a tree", [("above", (0,), (1, 2))]),
        ("a cat next to a dog under a tree", [("beside", (0,), (1,)), ("below", (0, 1), (2,))]),
        ("a cat wearing a hat and glasses", [("wearing", (0,), (1,)), ("wearing", (0,), (2,))]),
    ],
)
def test_relations(prompt: str, expected: list[tuple[str, tuple[int, ...], tuple[int, ...]]]) -> None:
    assert relations(prompt) == expected


def test_the_pipelines_own_prompt_is_read_as_what_it_generates() -> None:
    told = parse_scene("According to these images of a lobster, kimono, generate a lobster in a kimono", NAMES)
    assert told == parse_scene("a lobster in a kimono", NAMES)


@pytest.mark.parametrize("prompt", ["一只猫", "сова", "قطة", "ふくろう", "🦉"])
def test_other_scripts_stay_whole(prompt: str) -> None:
    assert [thing.phrase for thing in parse_scene(prompt, NAMES).objects] == [prompt]


@pytest.mark.parametrize("prompt", ["", " \n\t", "...", ",;!", "and", "in on and"])
def test_nothing_to_draw(prompt: str) -> None:
    assert parse_scene(prompt, NAMES).objects == ()


@pytest.mark.parametrize("prompt", ["a cat " * 50, "cat cat cat cat", "a cat a cat a cat", "A cat. " * 3])
def test_what_is_said_over_and_over_is_there_once(prompt: str) -> None:
    assert [(thing.phrase, thing.count) for thing in parse_scene(prompt, NAMES).objects] == [("cat", 1)]


def test_what_is_joined_is_counted() -> None:
    assert len(parse_scene("a cat and a cat and a cat", NAMES).objects) == 3
    assert parse_scene("a very very big cat", NAMES) == parse_scene("a very very big cat", NAMES)


LONG = ["an owl and a cat " * 6_000, "owl" * 33_000, "a " * 50_000 + "cat", "," * 100_000, "(" * 50_000 + ")" * 50_000]
LONG += ["x y, " * 20_000, "golden hour, " * 8_000, "--ar " * 20_000, "[a|b]" * 20_000, "negative prompt: " * 6_000]


@pytest.mark.parametrize("prompt", LONG, ids=lambda prompt: prompt[:20])
@pytest.mark.slow
def test_100_kilobytes(prompt: str) -> None:
    assert fits(parse_scene(prompt, NAMES).objects)


@given(st.text(max_size=200))
@settings(max_examples=300, deadline=None)
@pytest.mark.slow
def test_no_text_breaks_the_grammar(prompt: str) -> None:
    scene = parse_scene(prompt, NAMES)
    assert fits(scene.objects)
    assert all(thing.phrase for thing in scene.objects)
    parse_scene(scene.describe(), NAMES)


@pytest.mark.parametrize(
    ("salad", "reading"),
    [
        ("3d 3d", "3d style"),
        ("sitting on a table", "a sitting on a table"),
        ("an owl, sitting on a table", "an owl on a table"),
        ("gold background background", "on a gold background"),
        ("a red 2x apple", "two red apples"),
    ],
)
def test_word_salad_is_read_as_its_description(salad: str, reading: str) -> None:
    assert parse_scene(salad, NAMES).describe() == reading


@pytest.mark.parametrize(
    ("prompt", "meant"),
    [
        ("please make a red car", "a red car"),
        ("now a cat", "a cat"),
        ("I'd like a picture of a tree", "a tree"),
        ("an owl please", "an owl"),
        ("show the eiffel tower", "an eiffel tower"),
        ("show jumping", "a show jumping"),
    ],
)
def test_the_words_around_a_request_are_not_drawn(prompt: str, meant: str) -> None:
    assert parse_scene(prompt).describe() == meant


@pytest.mark.parametrize("where", ["to the left", "on the left", "off to the right"])
def test_a_side_of_the_picture_is_no_part_of_a_thing(where: str) -> None:
    assert parse_scene(f"a dog and a tree {where}").content_concepts() == ["dog", "tree"]
    assert parse_scene("a cat to the left of a dog").relations[0].kind == "left of"


def test_the_last_thing_is_on_its_side() -> None:
    scene = parse_scene("a dog and a tree on the left")
    assert scene.describe() == "a dog to the right of a tree"
    assert parse_scene(scene.describe()) == scene
    assert parse_scene("a dog and a tree to the right").describe() == "a dog to the left of a tree"
    assert parse_scene("a dog on the left").modifiers == ("on the left",)
