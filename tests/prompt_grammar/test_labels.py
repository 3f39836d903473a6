"""Labels: what a prompt says of light, gear and mood behind a colon or in a sentence is style; subjects stay things."""

import pytest

from imagerag.prompt_grammar.labels import take_labels
from imagerag.prompt_grammar.parser import parse_scene


def test_what_a_label_says_is_a_modifier_whatever_its_words() -> None:
    scene = parse_scene("A heron. Lighting: light of a distant fire, Mood: tense. Setting: a lake")
    assert scene.content_concepts() == ["heron", "lake"]
    assert scene.modifiers == ("lighting: light of a distant fire", "mood: tense")


def test_gear_ends_with_its_comma_and_style_with_a_thing() -> None:
    text = "camera: nikon z9, a heron. style: moody, dark, a lake"
    assert take_labels(text) == ("a heron, a lake", ("camera: nikon z9", "style: moody", "style: dark"))


@pytest.mark.parametrize(
    "text", ["a camera: a gift", "a fox", "16:9", "a house at 12:30", "the lens is on the table", "the view: a lake"]
)
def test_other_colons_and_sentences_stay(text: str) -> None:
    assert take_labels(text) == (text, ())


def test_what_labels_say_is_said_again_by_the_description() -> None:
    scene = parse_scene("Subject: two herons. The lighting is soft, and the mood is calm. Lens: 85mm f/1.8")
    assert [(thing.phrase, thing.count) for thing in scene.objects] == [("heron", 2)]
    assert parse_scene(scene.describe()) == scene


def test_a_prompt_of_labels_alone_is_not_lost() -> None:
    assert parse_scene("Lens: 85mm").describe() == "lens: 85mm"


def test_a_megabyte_of_labels_is_read_at_once() -> None:
    assert len(take_labels("lighting: soft. " * 60_000).modifiers) == 1
