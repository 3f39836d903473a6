"""Colours and styles."""

import pytest

from imagerag.prompt_grammar.noun_phrase import SceneObject
from imagerag.prompt_grammar.parser import parse_scene
from imagerag.prompt_grammar.vocabulary import COLOURS, STYLES
from testing.scene_names import NAMES


@pytest.mark.parametrize("colour", sorted(COLOURS))
def test_colours_of_things_and_of_the_background(colour: str) -> None:
    scene = parse_scene(f"a {colour} owl on a {colour} background", NAMES)
    assert scene.objects == (SceneObject("owl", colour=colour),)
    assert scene.background == colour


def test_other_spellings_of_colours() -> None:
    assert parse_scene("a grey owl").objects[0].colour == "gray"
    assert parse_scene("a golden owl").objects[0].colour == "gold"


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("form", ["an owl, {} style", "an owl in {} style", "a {} owl", "a {} picture of an owl"])
def test_styles(style: str, form: str) -> None:
    scene = parse_scene(form.format(style), NAMES)
    assert scene.styles == (style,)
    assert scene.objects == (SceneObject("owl"),)


def test_a_style_that_no_set_has_is_kept_in_the_words_of_the_prompt() -> None:
    assert parse_scene("an owl, art deco style").styles == ("art deco",)
