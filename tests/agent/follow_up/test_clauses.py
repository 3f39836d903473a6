"""Parts of a request."""

import pytest

from imagerag.agent.follow_up.clauses import at_verbs, is_aside, owner_of


@pytest.mark.parametrize("text", ["cheers", "i'm sorry to bother you", "too many", "thank you , that is lovely"])
def test_what_asks_for_nothing(text: str) -> None:
    assert is_aside(text.split()) is ("," not in text or text.startswith("thank"))


def test_a_sentence_is_parted_where_another_verb_follows() -> None:
    parts = at_verbs(["remove", "the", "dog", "and", "the", "cat", "and", "make", "it", "red"])
    assert parts == [["remove", "the", "dog", "and", "the", "cat"], ["make", "it", "red"]]


@pytest.mark.parametrize("text", ["the colour of the hat", "the hat's colour", "the hat colour"])
def test_whose_colour_it_is(text: str) -> None:
    assert owner_of(text.split(), ("colour",)) == ["hat"]
