"""The comparison of a recorded layout with what was wanted."""

import pytest

from imagerag.generators.base import DrawRequest
from testing.follow_up_checks import DrawnScene, faults
from testing.follow_up_corpus import Collection, Corpus, Place, Thing, Turn, Wanted, read_corpus
from testing.sketches import Sketches

IN_FULL: tuple[Collection, ...] = ("development", "test", "varied")
"""Collections whose plain sentences say all that is wanted of a picture; those of the later ones leave places out."""
CORPUS = Corpus((), {"hat": ("top hat",)})


def drawn(prompt: str) -> DrawnScene:
    return DrawnScene.of(prompt, Sketches().draw(DrawRequest(prompt, (1,)))[0].facts)


def found(
    prompt: str,
    *things: Thing,
    places: tuple[Place, ...] = (),
    before: str = "",
    background: str | None = None,
    style: str | None = None,
    **turn: object,
) -> list[str]:
    wanted = Wanted(things, places, background, style, "")
    asked = Turn("now", "change", 1, (wanted,), **turn)  # type: ignore[arg-type]
    return [fault.text for fault in faults(asked, drawn(prompt), drawn(before) if before else None, CORPUS)]


@pytest.mark.parametrize("half", IN_FULL)
def test_what_is_wanted_can_be_drawn_and_is_right_then(half: Collection) -> None:
    corpus = read_corpus(half)
    wrong = {}
    for conversation in corpus.conversations:
        upload = None
        for number, turn in enumerate(conversation.turns, 1):
            upload = turn.upload or upload
            for wanted in turn.wanted:
                alone = Turn(turn.say, turn.kind, 0, (wanted,), upload=upload, may_show=turn.may_show, says=turn.says)
                of_turn = faults(alone, drawn(wanted.plain), None, corpus) if not turn.zoom else []
                if of_turn:
                    wrong[conversation.name, number] = of_turn
    assert wrong == {}


def test_nothing_is_wrong_with_a_right_picture() -> None:
    places = (Place("hat", "on", "dog"),)
    assert found("a dog wearing a red hat", Thing("dog"), Thing("hat", 1, "red"), places=places) == []


def test_what_lacks_and_what_is_too_much_is_told() -> None:
    assert found("a dog and an owl", Thing("dog"), Thing("cat")) == ["no cat", "owl was not asked for"]
    assert found("three dogs", Thing("dog", 2)) == ["one dog too many"]
    assert found("a dog", Thing("dog", 2)) == ["1 dog, not 2"]


def test_a_wrong_colour_is_told_also_one_that_nobody_asked_for() -> None:
    assert found("a blue dog", Thing("dog", 1, "red")) == ["dog: blue, not red"]
    assert found("a blue dog", Thing("dog")) == ["dog: blue, not its own"]
    assert found("a dog", Thing("dog", 1, "red")) == ["dog: its own colour, not red"]


def test_two_of_one_name_are_told_apart_by_colour() -> None:
    both = Thing("balloon", 1, "red"), Thing("balloon", 1, "blue")
    assert found("a blue balloon and a red balloon", *both) == []
    assert found("two red balloons", *both) == ["balloon: red, not blue"]


def test_a_name_of_the_library_may_come_as_colour_and_thing() -> None:
    assert found("a black cat", Thing("black cat")) == []


@pytest.mark.parametrize(
    ("prompt", "place"),
    [
        ("a cat to the left of a dog", Place("cat", "left of", "dog")),
        ("a cat to the right of a dog", Place("cat", "right of", "dog")),
        ("a cat above a dog", Place("cat", "above", "dog")),
        ("a cat under a dog", Place("cat", "below", "dog")),
        ("a cat on a dog", Place("cat", "on", "dog")),
        ("a cat inside a dog", Place("cat", "inside", "dog")),
        ("a cat in front of a dog", Place("cat", "in front of", "dog")),
        ("a cat behind a dog", Place("cat", "behind", "dog")),
    ],
)
def test_each_place_is_told_from_the_others(prompt: str, place: Place) -> None:
    kinds = ("left of", "right of", "above", "below", "on", "inside", "in front of", "behind")
    seen = {
        kind
        for kind in kinds
        if not found(prompt, Thing("cat"), Thing("dog"), places=(Place("cat", kind, "dog"),))  # type: ignore[arg-type]
    }
    assert seen == {place.kind}


def test_a_size_is_right_in_words_or_against_the_picture_before() -> None:
    assert found("a large dog", Thing("dog", 1, None, "large")) == []
    assert found("a dog and a cat", Thing("dog", 1, None, "small"), Thing("cat"), before="a dog") == []
    assert found("a dog", Thing("dog", 1, None, "large"), before="a dog") == ["dog: normal, not large"]


def test_things_are_compared_by_their_boxes() -> None:
    bigger = (Place("cat", "bigger than", "dog"),)
    assert found("a large cat next to a small dog", Thing("cat"), Thing("dog"), places=bigger) == []
    assert found("a cat next to a dog", Thing("cat"), Thing("dog"), places=bigger) == ["not cat bigger than dog"]


def test_background_style_and_words_are_looked_for() -> None:
    assert found("a dog on a blue background, 3d style", Thing("dog"), background="blue", style="3d") == []
    assert found("a dog", Thing("dog"), background="blue") == ["background white, not blue"]
    assert found("a dog", Thing("dog"), style="3d") == ["styles [], not 3d"]
    assert found("a dog", Thing("dog"), says=("night|dark",)) == ["nothing of 'night|dark' in the prompt"]
    assert found("a dog at night", Thing("dog"), says=("night",)) == []
    assert found("a dog at night", Thing("dog"), unsaid=("night",), may_show=("night",)) == [
        "'night' is still in the prompt"
    ]


def test_zooming_out_makes_things_smaller() -> None:
    assert found("a small dog", Thing("dog"), before="a dog", zoom="out") == []
    assert found("a dog", Thing("dog"), before="a dog", zoom="out") == ["things are 1.00 times as large as before"]
