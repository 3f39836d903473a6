"""Singular and plural of English noun phrases."""

import pytest

from imagerag.prompt_grammar.inflection import plural, singular


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("cat", "cats"),
        ("cup of tea", "cups of tea"),
        ("grey wolf", "grey wolves"),
        ("cherry", "cherries"),
        ("fox", "foxes"),
        ("church", "churches"),
        ("sheep", "sheep"),
        ("mouse with a hat", "mice with a hat"),
        ("key", "keys"),
    ],
)
def test_both_ways(one: str, many: str) -> None:
    assert plural(one) == many
    assert singular(many) == one


@pytest.mark.parametrize("word", ["glass", "octopus", "tennis", "us"])
def test_a_singular_that_ends_in_s_stays(word: str) -> None:
    assert singular(word) == word


@pytest.mark.parametrize("word", ["books", "sunglasses", "scissors", "clinking glasses", "men with bunny ears", "mice"])
def test_a_plural_stays_one(word: str) -> None:
    assert plural(word) == word
