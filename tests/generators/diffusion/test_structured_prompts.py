"""Prompts of models that read JSON."""

import json
from typing import Any

import pytest

from imagerag.generators.diffusion.family import TextFamily
from imagerag.generators.diffusion.presets import load_presets
from imagerag.generators.diffusion.structured_prompts import READ_AS, advice, is_structured, structured
from imagerag.generators.diffusion.words import Words


@pytest.mark.parametrize("class_name", READ_AS)
def test_plain_words_are_put_where_they_belong_and_that_is_told(class_name: str) -> None:
    said = structured(class_name, Words('an "owl"', ("before",)))
    assert json.loads(said.text) == {READ_AS[class_name]: 'an "owl"'}
    assert said.notes[0] == "before"
    assert said.notes[1].startswith("about this model: it was taught on long descriptions in JSON")


@pytest.mark.parametrize(
    ("prompt", "whole"),
    [
        ('{"short_description": "an owl", "style_medium": "photograph"}', True),
        (' {"short_description": "an owl"}', True),
        ('{"edit_instruction": "an owl"}', False),
        ('["short_description"]', False),
        ("{an owl} called short_description", False),
        ("{" * 100_000, False),
        ("an owl", False),
    ],
)
def test_only_a_description_in_json_is_left_as_it_is(prompt: str, whole: bool) -> None:
    assert is_structured("BriaFiboPipeline", prompt) == whole
    assert (structured("BriaFiboPipeline", Words(prompt)) == Words(prompt)) == whole


def test_other_models_read_plain_words() -> None:
    assert advice("FluxPipeline") == ""
    assert structured("FluxPipeline", Words("an owl")) == Words("an owl")
    assert not is_structured("FluxPipeline", '{"short_description": "an owl"}')


def test_a_family_of_words_alone_uses_it() -> None:
    pipeline: Any = type("BriaFiboPipeline", (), {"__call__": lambda self, prompt: None})()
    said = TextFamily(pipeline, load_presets({})["chroma"]).words("an owl", ())
    assert said.text == '{"short_description": "an owl"}'
