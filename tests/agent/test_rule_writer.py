"""The rule-based writer: follow-ups, captions and rephrasing."""

import re

import pytest

from imagerag.agent.protocols import Brief, PastImage
from imagerag.agent.registry import load_writer
from imagerag.agent.rule_writer import RuleWriter
from imagerag.errors import UserError

HISTORY = [
    PastImage("image-1", "a lobster in a kimono", 1),
    PastImage("image-2", "an owl and a cat", 1),
    PastImage("image-3", "an owl", 2),
]


@pytest.mark.parametrize(
    ("request_text", "prompt", "base"),
    [
        ("now put it on the moon", "an owl on a moon", "image-3"),
        ("go back to the second one and make it red", "a red owl and a cat", "image-2"),
        ("Make the owl blue.", "a blue owl", "image-3"),
        ("go back to image-1", "a lobster in a kimono", "image-1"),
        ("use the first one but make the kimono red", "a lobster wearing a red kimono", "image-1"),
        ("go back to the second one and remove the cat and add a dog", "an owl and a dog", "image-2"),
        ("make the background yellow", "an owl on a yellow background", "image-3"),
        ("with a blue background", "an owl on a blue background", "image-3"),
        ("in 3d style", "an owl, 3d style", "image-3"),
        ("make it bigger", "a large owl", "image-3"),
        ("replace the owl with a dog", "a dog", "image-3"),
        ("a dog on a bike", "a dog on a bike", None),
    ],
)
def test_a_follow_up_becomes_a_whole_prompt(request_text: str, prompt: str, base: str | None) -> None:
    brief = RuleWriter().brief(request_text, HISTORY)
    assert brief.base == base
    assert brief.prompt in (prompt, prompt.replace("wearing", "in"))


@pytest.mark.parametrize("prompt", ["a dog and a cat", "a dog wearing a crown", "a dog, watercolour style"])
def test_all_words_of_a_picture_said_again_add_nothing_to_it(prompt: str) -> None:
    brief = load_writer("clip").brief(f"{prompt.capitalize()}.", [PastImage("image-1", prompt, 1)])
    assert (brief.prompt, brief.base, brief.keep_seed) == (prompt, "image-1", False)
    assert "drawn anew with another seed" in brief.notes[0]
    later = [PastImage("image-1", prompt, 1), PastImage("image-2", "a red dog and a cat", 2)]
    assert load_writer("clip").brief(prompt, later).prompt == prompt


def test_another_one_is_the_same_picture_under_another_seed() -> None:
    assert RuleWriter().brief("another one", HISTORY) == Brief("an owl", "image-3", keep_seed=False)


@pytest.mark.parametrize(
    "request_text", ["go back to the ninth one", "back to image-7", "remove the dog", "make the piano red"]
)
def test_what_is_not_there_is_told_with_what_there_is(request_text: str) -> None:
    brief = RuleWriter().brief(request_text, HISTORY)
    assert re.search(r"image-2 \(an owl and a cat\), image-3|It shows: owl", brief.answer)
    assert (brief.prompt, brief.base) == ("an owl", "image-3")


def test_captions_stand_alone_and_the_literal_one_comes_first() -> None:
    captions = RuleWriter().captions("an owl and a kimono", ["owl", "kimono"], 2)
    assert {concept: of_it[0] for concept, of_it in captions.items()} == {"owl": "owl", "kimono": "kimono"}
    assert all(len(of_it) == 2 for of_it in captions.values())
    assert not any("owl" in text for text in captions["kimono"])


def test_captions_for_photographs_are_worded_as_photographs() -> None:
    writer = RuleWriter(kind="photographs")
    assert writer.captions("Mount Fuji and an owl", ["owl"], 1) == {"owl": ["a photo of an owl"]}


def test_rephrasing_brings_what_is_missing_to_the_front() -> None:
    assert RuleWriter().rephrase("a cat and an axolotl", ["axolotl"]).startswith("a large axolotl")


def test_a_photographs_prompt_is_kept_whole_where_it_is_rephrased() -> None:
    prompt = "a scarlet ibis behind two owls, 85mm lens, golden hour"
    writer = RuleWriter(kind="photographs")
    assert writer.rephrase(prompt, ["scarlet ibis"]) == f"a large scarlet ibis, {prompt}"
    assert writer.rephrase(prompt, []) == prompt


@pytest.mark.parametrize("request_", ["put it on the moon", "now make it blue", "again", "go back to the second one"])
def test_what_points_back_at_nothing_is_refused(request_: str) -> None:
    with pytest.raises(UserError, match="this conversation has none"):
        RuleWriter().brief(request_, [])


def test_a_follow_up_that_english_reads_is_not_read_in_another_language() -> None:
    brief = load_writer().brief("show me some alternatives", [PastImage("image-1", "a dog", 1)])
    assert brief.base == "image-1"
    assert not any(note.startswith("read as ") for note in brief.notes)
