"""Which pictures Patchwork draws from: the base set and references."""

import pytest
from PIL import Image

from imagerag.assets.library import Library
from imagerag.generators.base import DrawRequest, Reference
from imagerag.generators.patchwork import PatchworkGenerator
from imagerag.generators.patchwork.knowledge import OTHER_STYLE, style_weight
from testing.patchwork_requests import objects


def test_a_reference_goes_to_the_object_that_it_stands_for(patchwork: PatchworkGenerator, kimono: Reference) -> None:
    drawing = patchwork.draw(DrawRequest("a lobster in a kimono", (5,), (kimono,), 0.7))[0]
    by_phrase = {thing["phrase"]: thing["examples"] for thing in objects(drawing)}
    weights = {
        phrase: sum(example["weight"] for example in examples if example["reference"])  # type: ignore[attr-defined]
        for phrase, examples in by_phrase.items()
    }
    assert weights == {"lobster": 0, "kimono": pytest.approx(0.7)}


def test_a_persons_own_picture_is_the_first_thing_of_the_prompt_alone(
    patchwork: PatchworkGenerator, kimono: Reference
) -> None:
    mine = Reference(kimono.image, "", "subject")
    drawing = patchwork.draw(DrawRequest("a cat on a house", (5,), (mine,), 1.0))[0]
    cat, house = (thing["examples"] for thing in objects(drawing))
    assert [example["reference"] for example in cat] == [True]  # type: ignore[attr-defined]
    assert not any(example["reference"] for example in house)  # type: ignore[attr-defined]


def test_a_reference_for_a_style_has_no_place(patchwork: PatchworkGenerator, kimono: Reference) -> None:
    reference = Reference(kimono.image, "flat style")
    assert patchwork.draw(DrawRequest("an owl, flat style", (5,), (reference,), 0.7))[0].facts["references_unused"] == [
        "flat style"
    ]


def test_style_words_choose_the_set(patchwork: PatchworkGenerator) -> None:
    drawing = patchwork.draw(DrawRequest("an owl, twemoji style", (1,)))[0]
    weights = {example["set"]: example["weight"] for example in objects(drawing)[0]["examples"]}  # type: ignore[attr-defined]
    assert max(weights, key=weights.__getitem__) == "twemoji", weights
    assert patchwork.draw(DrawRequest("an owl, art deco style", (1,)))[0].facts["styles_ignored"] == ["art deco"]


def test_what_stands_for_a_thing_that_there_is_no_picture_of_is_told(
    patchwork: PatchworkGenerator, library: Library
) -> None:
    lacking = library.lacking("dev")[0]
    prompt = f"a dog and a fence and a jewel and a {lacking}"  # a keyword of the gem stone
    notes = patchwork.draw(DrawRequest(prompt, (1,)))[0].facts["notes"]
    assert notes == ["the pictograms have no 'fence'; drawn as what is nearest to it, 'person fencing'"]
    (mixed,) = patchwork.draw(DrawRequest("a penny-farthing", (1,)))[0].facts["notes"]  # type: ignore[misc]
    assert mixed.startswith("the pictograms have no 'penny-farthing'; drawn as a mixture of what is nearest to it: '")
    drawn = {one["concept"] for one in objects(patchwork.draw(DrawRequest("a penny-farthing", (1,)))[0])[0]["examples"]}  # type: ignore[attr-defined]
    assert len(drawn) > 1
    assert all(repr(name) in mixed for name in drawn)
    own = Reference(Image.new("RGB", (32, 32), "brown"), "fence")
    assert patchwork.draw(DrawRequest("a fence", (1,), (own,), 0.7))[0].facts["notes"] == []


@pytest.mark.slow
def test_only_the_base_set_is_drawn_from(patchwork: PatchworkGenerator, library: Library) -> None:
    base = {entry.sha256 for entry in library.entries if entry.in_base}
    prompts = [f"a {name}" for name in library.lacking("dev")[:4]] + ["an owl", "a blorptastic quux", "一只猫"]
    for prompt in prompts:
        things = objects(patchwork.draw(DrawRequest(prompt, (1,)))[0])
        assert things
        for thing in things:
            assert {example["sha256"] for example in thing["examples"]} <= base  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "styles", "weight"),
    [
        ("noto", ["noto"], 1.0),
        ("twemoji", ["noto"], OTHER_STYLE),
        ("twemoji", ["flat", "twemoji"], 1.0),
        ("noto", ["art deco"], 1.0),
    ],
)
def test_a_set_weighs_by_all_styles_that_are_known(name: str, styles: list[str], weight: float) -> None:
    assert style_weight(name, styles) == weight
