"""Cutting a prompt into clauses."""

import pytest

from imagerag.prompt_grammar.clauses import split_clauses


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
