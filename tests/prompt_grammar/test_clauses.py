"""Cutting a prompt into clauses."""

import pytest

from imagerag.prompt_grammar.clauses import split_clauses
from imagerag.prompt_grammar.parser import parse_scene


def words(text: str) -> list[str]:
    return [" ".join(clause.words) for clause in split_clauses(text, frozenset())]


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("a cat on a hill", ["a cat", "a hill"]),
        ("cat,dog|owl", ["cat", "dog", "owl"]),
        ("1,000 cats", ["1,000 cats"]),
        ("long_hair, school_uniform", ["long hair", "school uniform"]),
        ("a black and white photo", ["a black and white photo"]),
        ("a deer shot on kodak portra 400 with a hat", ["a deer", "kodak portra 400", "a hat"]),
        ("a man shot on the moon", ["a man shot", "the moon"]),
        ("a fox during golden hour", ["a fox", "golden hour"]),
        ("a castle, by ruth orkin", ["a castle", "by ruth orkin"]),
        ("a castle by greg rutkowski", ["a castle", "by greg rutkowski"]),
        ("a castle by the sea", ["a castle", "the sea"]),
    ],
)
def test_clauses(text: str, clauses: list[str]) -> None:
    assert words(text) == clauses


def test_a_clause_knows_the_connectors_around_it() -> None:
    first, second = split_clauses("a bear holding a camera", frozenset())
    assert (first.connector, first.ends) == ("", "holding")
    assert (second.connector, second.joint, second.ends) == ("holding", "with", "")


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("a woman walking a dog", ["a woman", "a dog"]),
        ("a woman walking her dog", ["a woman", "her dog"]),
        ("a woman walking", ["a woman walking"]),
        ("a woman walking and a dog", ["a woman walking", "a dog"]),
    ],
)
def test_a_name_that_says_what_is_done_is_cut_where_something_is_done_with(text: str, clauses: list[str]) -> None:
    assert [" ".join(clause.words) for clause in split_clauses(text, frozenset(["woman walking", "dog"]))] == clauses


@pytest.mark.parametrize(
    ("prompt", "things"),
    [
        ("a bat a skull and a spider", ["bat", "skull", "spider"]),
        ("a small bat a red skull", ["bat", "skull"]),
        ("a gift for a boy", ["gift for a boy"]),
        ("half a bat", ["half a bat"]),
    ],
)
def test_a_known_name_ends_where_the_next_article_stands(prompt: str, things: list[str]) -> None:
    scene = parse_scene(prompt, frozenset(["bat", "skull", "spider", "boy"]))
    assert scene.content_concepts() == things


def test_a_name_of_two_things_is_none_where_each_has_its_article() -> None:
    names = frozenset(["sun", "cloud", "sun behind cloud"])
    assert parse_scene("sun behind cloud", names).content_concepts() == ["sun behind cloud"]
    assert parse_scene("a sun behind a cloud", names).content_concepts() == ["sun", "cloud"]
