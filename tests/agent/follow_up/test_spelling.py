"""Misspelt words of follow-ups."""

import pytest

from imagerag.agent.follow_up.spelling import notes_on, spelt
from testing.follow_ups import read

ENGLISH = frozenset(["make", "the", "boat", "goat"])


@pytest.mark.parametrize(
    ("said", "right"),
    [
        ("remvoe the baloon", "remove the balloon"),
        ("make the ballon grren", "make the balloon green"),
        ("make the goat", "make the goat"),
        ("flurbl", "flurbl"),
    ],
)
def test_what_is_nearly_a_word_of_the_picture_or_the_grammar_is_put_right(said: str, right: str) -> None:
    assert spelt(said.split(), ["balloon"], frozenset(["boat"]), ENGLISH) == right.split()


@pytest.mark.parametrize(
    ("said", "right"),
    [
        ("a brwn horse", "a brown horse"),
        ("a smal dog", "a small dog"),
        ("a cat at nihgt", "a cat at night"),
        ("a dog next ot a cat", "a dog next to a cat"),
        ("a goat adn a boat", "a goat and a boat"),
        ("a balon", "a balon"),
        ("a wug", "a wug"),
    ],
)
def test_of_a_first_request_all_but_names_is_put_right(said: str, right: str) -> None:
    words = frozenset(["horse", "dog", "cat", "goat", "next", "night", "and"])
    assert spelt(said.split(), [], frozenset(["balloon", "boat"]), words, names_too=False) == right.split()


def test_what_was_put_right_is_told() -> None:
    assert notes_on(["a", "baloon"], ["a", "balloon"]) == ("'baloon' was read as 'balloon'",)
    brief = read("make the baloon red", "a dog and a balloon")
    assert brief.prompt == "a dog and a red balloon"
    assert brief.notes == ("'baloon' was read as 'balloon'",)
