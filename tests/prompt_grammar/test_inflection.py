"""Singular and plural of English noun phrases."""

import pytest

from imagerag.assets.library import Library
from imagerag.assets.nouns import concrete_nouns
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
        ("taxi", "taxis"),
        ("ski", "skis"),
        ("kiwi", "kiwis"),
        ("party", "parties"),
        ("necktie", "neckties"),
        ("quiche", "quiches"),
        ("quiz", "quizzes"),
        ("iris", "irises"),
        ("gas", "gases"),
        ("emu", "emus"),
        ("chateau", "chateaus"),
        ("bookshelf", "bookshelves"),
        ("thief", "thieves"),
        ("olive", "olives"),
        ("potato", "potatoes"),
        ("piano", "pianos"),
        ("horseshoe", "horseshoes"),
        ("salesman", "salesmen"),
        ("human", "humans"),
        ("specimen", "specimens"),
        ("genius", "geniuses"),
        ("rhinoceros", "rhinoceroses"),
    ],
)
def test_both_ways(one: str, many: str) -> None:
    assert plural(one) == many
    assert singular(many) == one


@pytest.mark.parametrize(
    "word", ["glass", "octopus", "tennis", "us", "iris", "chassis", "canvas", "rhinoceros", "his", "series"]
)
def test_a_singular_that_ends_in_s_stays(word: str) -> None:
    assert singular(word) == word


@pytest.mark.parametrize(
    "word",
    [
        "books",
        "sunglasses",
        "scissors",
        "clinking glasses",
        "men with bunny ears",
        "mice",
        "skis",
        "stairs",
        "eyeglasses",
    ],
)
def test_a_plural_stays_one(word: str) -> None:
    assert plural(word) == word


def test_every_name_is_found_again_from_its_plural() -> None:
    names = {entry.concept for entry in Library().entries} | concrete_nouns()
    signs = {name for name in names if len(name.split()[-1]) == 1}  # nobody types "keycap 1s"
    counted = {name for name in names - signs if plural(name) != name}
    assert {name: singular(plural(name)) for name in counted if singular(plural(name)) != name} == {}
