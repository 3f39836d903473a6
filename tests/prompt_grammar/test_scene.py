"""Scenes: their description, their concepts, and changes of a second turn."""

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from imagerag.prompt_grammar.noun_phrase import SceneObject
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


def test_changes_of_a_second_turn() -> None:
    scene = parse_scene("a cat and a dog on a house", NAMES)
    assert scene.with_colour(None, "red").describe() == "a red cat and a dog on a house"
    assert scene.with_colour("dog", "grey").describe() == "a cat and a gray dog on a house"
    assert scene.with_relation("on", "the moon").describe() == "a cat and a dog on a moon"
    assert scene.with_background("blue").background == "blue"
    assert scene.with_style("3-d").styles == ("3d",)
    assert scene.with_object("a small owl", NAMES).objects[-1] == SceneObject("owl", size="small")
    assert scene.without("cat").describe() == "a dog on a house"
    assert scene.without("house").relations == ()
    for change in (lambda: scene.with_colour(None, "plaid"), lambda: scene.with_background("plaid")):
        with pytest.raises(ValueError, match="'plaid'"):
            change()


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
