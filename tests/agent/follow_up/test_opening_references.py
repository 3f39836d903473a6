"""First requests that speak of their own things again."""

import pytest

from imagerag.agent.follow_up.opening_references import LONGEST, with_references
from imagerag.agent.follow_up.phrases import words_of
from testing.follow_up_corpus import library_names
from testing.follow_up_examples import follow_ups_by_rule

NAMES = library_names()


def told(request: str) -> str:
    return with_references(words_of(request), NAMES, frozenset(NAMES) | follow_ups_by_rule().begin().known)


@pytest.mark.parametrize(
    ("request_", "prompt"),
    [
        ("An envelope with a red star above it, in flat style", "a red star above an envelope, flat style"),
        ("a treasure chest and a parrot on it and a pirate flag", "a parrot on a treasure chest and a pirate flag"),
        ("3 tulips and a butterfly above them", "a butterfly above three tulips"),
        ("an alien and an astronaut and a ufo above them", "a ufo above an alien and an astronaut"),
        ("a honey pot with a bee above it next to a waffle", "a bee above a honey pot next to a waffle"),
        ("a big whale and a boat above it on a white bg", "a boat above a large whale on a white background"),
        ("a snowman with a carrot in front of it at night", "a carrot in front of a snowman, at night"),
        ("a fluffy cat and a bee above it", "a bee above a fluffy cat"),
    ],
)  # fmt: skip
def test_it_and_them_are_what_was_named_before(request_: str, prompt: str) -> None:
    assert told(request_) == prompt


@pytest.mark.parametrize(
    ("request_", "prompt"),
    [
        ("a wizard with a crystal ball and an owl on his left", "a wizard with a crystal ball to the right of an owl"),
        ("a school with a tree on its left and a bus in front", "a bus in front of a school to the right of a tree"),
        ("treasure chest with 3 blue gems in front", "three blue gems in front of a treasure chest"),
        ("a king holding a sword and a dragon behind him", "a king holding a sword in front of a dragon"),
    ],
)
def test_a_side_is_that_of_whom_the_words_mean(request_: str, prompt: str) -> None:
    assert told(request_) == prompt


@pytest.mark.parametrize(
    ("request_", "prompt"),
    [
        ("A rooster on a house and a sun behind the house", "a rooster on a house in front of a sun"),
        ("a t-rex and 2 eggs and a volcano behind the t-rex", "a volcano behind a t-rex and two eggs"),
        ("a carrot and a rabbit eating it", "a rabbit eating a carrot"),
        ("a princess and a frog, and the frog wears a crown", "a frog wearing a crown and a princess"),
        ("a monkey who is holding a banana, and next to him a parrot", "a monkey holding a banana next to a parrot"),
        ("a ship on a wave. above the ship: a cloud", "a ship on a wave under a cloud"),
        ("a cat and a dog and a ball between them", "a cat to the left of a ball to the left of a dog"),
        ("a hedgehog carrying an apple on its back", "an apple on a hedgehog"),
    ],
)
def test_a_thing_that_is_named_again_is_the_same(request_: str, prompt: str) -> None:
    assert told(request_) == prompt


@pytest.mark.parametrize(
    "request_",
    [
        "a dog under the table",
        "a cat on a mat",
        "a dog with a hat on",
        "a girl with a ribbon in her hair",
        "the cat in the hat",
        "Library mascot. An owl with a book, glasses on the owl",
        "a portrait of a woman with flowers in her hair, 85mm",
        "it is behind it",
        "a cat and it",
        "a cat above it",
        "a dog and " + "a cat above it and " * LONGEST,
    ],
)
def test_other_requests_are_left_as_they_are(request_: str) -> None:
    assert told(request_) == ""


def test_a_name_said_twice_with_nothing_behind_it_is_two_things() -> None:
    assert told("a dog and dog and a cat above it") != "a cat above a dog"
    assert told("clock and bell, clock left of bell") == "a clock to the left of a bell"
