"""Pictures that nothing of the one before is in."""

import pytest

from testing.follow_ups import read


@pytest.mark.parametrize(
    ("request_", "prompt"),
    [
        ("now draw a castle", "a castle"),
        ("ok forget that. draw a castle", "a castle"),
        ("start over with a penguin", "a penguin"),
        ("I need a totally different picture, just a lion", "a lion"),
        ("Next: a castle", "a castle"),
        ("please draw me a lion", "a lion"),
        ("an owl in a tree", "an owl in a tree"),
        ("an owl like this", "an owl like this"),
        ("a robot playing the guitar", "a robot playing the guitar"),
        ("my badge on a castle", "my badge on a castle"),
        ("draw me a lion instead of all this", "a lion"),
        ("Next visual: a castle", "a castle"),
    ],
)
def test_a_new_picture_has_no_base(request_: str, prompt: str) -> None:
    brief = read(request_)
    assert (brief.prompt, brief.base, brief.answer) == (prompt, None, "")


@pytest.mark.parametrize("request_", ["draw a hat on it", "draw it on a boat", "paint the dog red", "make another dog"])
def test_what_speaks_of_the_picture_is_a_change_of_it(request_: str) -> None:
    assert read(request_).base == "image-1"


@pytest.mark.parametrize(
    "request_",
    [
        *("asdf qwer", "the", "make it more tuesday", "you know what to do", "making me hungry lol"),
        *("me and my sister fight about this every day", "My late husband used to row, you know."),
        "Now I need a break myself",
    ],
)
def test_what_is_neither_is_never_drawn(request_: str) -> None:
    brief = read(request_)
    assert brief.answer
    assert (brief.prompt, brief.base) == ("a dog", "image-1")


def test_of_a_corrected_request_the_correction_is_drawn() -> None:
    brief = read("now draw a boat... no, draw a guitar")
    assert (brief.prompt, brief.base) == ("a guitar", None)


def test_what_names_a_thing_of_the_picture_in_no_name_is_no_picture_by_itself() -> None:
    assert read("three balls sharpish", "a dog and a ball").base == "image-1"
    assert read("three balls exactly", "a dog and a ball").prompt == "a dog and three balls"


@pytest.mark.parametrize("request_", ["playing football", "lights on in the castle", "just one star"])
def test_what_somebody_does_or_what_is_in_something_is_no_picture_by_itself(request_: str) -> None:
    assert read(request_, "a robot").base == "image-1"


def test_a_name_alone_comes_to_what_is_there() -> None:
    brief = read("castle")
    assert (brief.prompt, brief.notes) == ("a dog and a castle", ("read as 'add a castle'",))


def test_what_is_of_ones_own_is_a_picture_and_no_story() -> None:
    assert read("my badge on a castle").base is None
    assert read("my wife painted a wolf on my cab").answer


def test_a_verb_of_drawing_may_change_what_is_there() -> None:
    assert read("paint hat maroon", "a dog wearing a hat").prompt == "a dog wearing a maroon hat"


def test_a_more_exact_name_takes_the_place_of_a_thing() -> None:
    assert read("red apple", "an apple and a dog").prompt == "a red apple and a dog"
    assert read("house with garden", "a dog").prompt == "a dog and a house with garden"


@pytest.mark.parametrize(
    "request_",
    [
        "now draw a lion, nothing else",
        "can we draw a lion now, nothing else",
        "and now another picture, only a lion",
        "bored of dogs, show me a lion instead of all this",
        "draw a lion on its own",
    ],
)
def test_what_says_that_nothing_else_is_wanted_is_not_drawn(request_: str) -> None:
    brief = read(request_)
    assert (brief.prompt, brief.base) == ("a lion", None)
