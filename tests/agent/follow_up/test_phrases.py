"""The words around a request, and verbs with a slip in them."""

import pytest

from imagerag.agent.follow_up.phrases import joined, one_slip, with_verb_spelt, without_courtesy, words_of


@pytest.mark.parametrize(
    ("request_", "left"),
    [
        ("Can you please make it red?", "make it red"),
        ("no, make it red", "make it red"),
        ("ok now make it red, thanks!", "make it red"),
        ("Thank you!", "thank you"),
    ],
)
def test_courtesy_is_left_out(request_: str, left: str) -> None:
    assert without_courtesy(words_of(request_)) == left.split()


@pytest.mark.parametrize(
    ("word", "other", "slip"),
    [
        ("mkae", "make", True),
        ("remov", "remove", True),
        ("adde", "add", True),
        ("make", "make", False),
        ("mouse", "make", False),
    ],
)  # fmt: skip
def test_one_slip(word: str, other: str, slip: bool) -> None:
    assert one_slip(word, other) is slip


def test_a_verb_is_put_right_only_before_an_object_and_never_a_known_word() -> None:
    assert with_verb_spelt(["remvoe", "the", "dog"], set()) == ["remove", "the", "dog"]
    assert with_verb_spelt(["cake", "the", "dog"], {"cake"})[0] == "cake"
    assert with_verb_spelt(["lake", "in", "fog"], set())[0] == "lake"


def test_words_are_joined_as_written() -> None:
    assert joined(words_of("a cat, a dog")) == "a cat, a dog"
