"""Styles as clauses, and styles and modifiers before a thing."""

import pytest

from imagerag.prompt_grammar.adjectives import style_of, take_adjectives
from imagerag.prompt_grammar.vocabulary import Joint


@pytest.mark.parametrize(
    ("words", "joint", "style"),
    [
        ("3d", "and", "3d"),
        ("a fluent style", "in", "fluent"),
        ("art deco style", "in", "art deco"),
        ("style of bauhaus", "in", "bauhaus"),
        ("noto emoji", "in", "noto"),
        ("a very long name of any style", "in", ""),
        ("a red owl", "and", ""),
    ],
)
def test_a_clause_that_is_a_style(words: str, joint: Joint, style: str) -> None:
    assert style_of(words.split(), joint) == style


def test_what_stands_before_a_thing_is_taken_off_and_the_last_word_stays() -> None:
    found = take_adjectives(["a", "small", "photorealistic", "3d", "owl"], frozenset())
    assert found == (["3d"], ["photorealistic"], ["a", "small", "owl"])
    assert take_adjectives(["cinematic"], frozenset()) == ([], [], ["cinematic"])
