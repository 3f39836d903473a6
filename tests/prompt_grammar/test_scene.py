"""Scenes: their description, their concepts, and changes of a second turn."""

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from imagerag.prompt_grammar.parser import parse_scene
from imagerag.prompt_grammar.scene import StyleConcept
from testing.scene_names import NAMES


def test_concepts_to_check() -> None:
    scene = parse_scene("a red owl and two cats and an owl on a blue background, flat style", NAMES)
    assert scene.content_concepts() == ["owl", "cat"]
    assert scene.style_concepts() == [
        StyleConcept("colour", "red owl", "red", "owl"),
        StyleConcept("background", "blue background", "blue"),
        StyleConcept("style", "flat style", "flat"),
    ]


def test_a_thing_goes_with_its_relations() -> None:
    scene = parse_scene("a cat and a dog on a house", NAMES)
    assert scene.without("cat").describe() == "a dog on a house"
    assert scene.without("house").relations == ()


SALAD = """
    a an the two 3 five 2x owl owls cat dogs mouse mice bus buses glasses scissors kimono hat lobster tree house garden
    red light blue green background on in with and , above under behind wearing next to left of top front small huge
    flat 3d fluent style emoji sitting picture draw pair cup tea apple sheep ladies rose gold
"""
WORDS = st.sampled_from(SALAD.split())


@pytest.mark.slow
@given(st.lists(WORDS, max_size=12).map(" ".join), st.sampled_from([NAMES, frozenset[str]()]))
@example("a cat wearing a hat and glasses next to two dogs, art deco style", NAMES)
@settings(max_examples=600, deadline=None)
def test_a_description_says_the_whole_scene(prompt: str, names: frozenset[str]) -> None:
    scene = replace(parse_scene(prompt, names), dropped=())
    assert parse_scene(scene.describe(), names) == scene


def test_what_a_thing_is_drawn_with_stands_on_the_side_that_is_said() -> None:
    assert parse_scene("a castle with a dragon on the left").describe() == "a castle to the right of a dragon"
    assert parse_scene("a castle with a dragon").describe() == "a castle with a dragon"
