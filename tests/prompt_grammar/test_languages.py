"""Small words, spelling and stems of other languages."""

import pytest

from imagerag.prompt_grammar.languages import LANGUAGES, language
from imagerag.prompt_grammar.vocabulary import CONNECTORS, SIZES, colour_of, number_of

RELATIONS = {*CONNECTORS, "without", "at"}


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_small_word_is_one_that_the_grammar_knows(code: str) -> None:
    words = language(code).words
    known = {
        word for word in words.values() if word in RELATIONS or word in SIZES or colour_of(word) or number_of(word)
    }
    assert set(words.values()) - known <= {"background"}
    assert set(language(code).behind.values()) <= RELATIONS


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_language_has_colours_sizes_and_numbers(code: str) -> None:
    meanings = {*language(code).words.values()}
    assert {"red", "blue", "green", "yellow", "black", "white", "large", "small", "two", "three", "and"} <= meanings | {
        "and" if language(code).joined else ""
    }


def test_stems_find_a_word_in_another_form() -> None:
    assert language("de").stem("katzen") == language("de").stem("katze")
    assert language("ru").stem("скейтборде") == language("ru").stem("скейтборд")
    assert language("ja").stem("猫") == "猫"
