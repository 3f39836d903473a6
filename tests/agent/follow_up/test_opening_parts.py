"""Sentences of a first request: wishes, remarks, lists, and scenes that need no reading."""

import pytest

from imagerag.agent.follow_up.opening_names import Vocabulary
from imagerag.agent.follow_up.opening_parts import Opening, Parts, speaks_of_looks
from imagerag.agent.follow_up.opening_plain import is_plain
from imagerag.agent.follow_up.opening_told import Told
from imagerag.agent.follow_up.opening_wished import Wished
from imagerag.agent.follow_up.opening_wishes import wish_of
from imagerag.agent.follow_up.opening_wording import chat_words, clauses_in, is_remark, without_ends
from testing.follow_ups import NAMES

VOCABULARY = Vocabulary(NAMES, NAMES)


@pytest.mark.parametrize(
    ("sentence", "wanted"),
    [
        ("could i have a dog", "a dog"),
        ("i would be so glad of a dog", "a dog"),
        ("my son would love to see a dog", "a dog"),
        ("a dog would make my day", "a dog"),
        ("for the party i need a dog", "a dog"),
        ("i adore pets , so may we have a dog", "a dog"),
    ],
)
def test_a_wish_is_told_from_what_stands_around_it(sentence: str, wanted: str) -> None:
    wish = wish_of(sentence.split(), VOCABULARY)
    assert wish is not None
    assert " ".join(wish.wanted) == wanted


@pytest.mark.parametrize("sentence", ["my son wants to be a robot", "a dog on a ball", "i drive a boat"])
def test_a_sentence_that_wishes_for_no_picture_is_no_wish(sentence: str) -> None:
    assert wish_of(sentence.split(), VOCABULARY) is None


def test_what_is_wished_for_before_a_remark_is_kept_and_the_remark_told() -> None:
    reading = Wished(VOCABULARY, talk_only=False)
    assert reading.wished([["could", "i", "have", "a", "dog"], ["we", "keep", "pets"]])
    assert reading.opening("...") == Opening("a dog", "read as 'a dog'; 'we keep pets' was taken as a remark")


def test_a_list_is_read_behind_a_heading() -> None:
    reading = Told(VOCABULARY, talk_only=False)
    words = chat_words("pet flyer: dog, cat")
    assert reading.told([words], words)
    assert reading.scene.prompt(NAMES, NAMES) == "a dog and a cat"


def test_a_sentence_of_which_a_known_thing_is_not_read_is_no_list() -> None:
    reading: Parts = Told(VOCABULARY, talk_only=False)
    words = chat_words("dog. the cat juggles torches wildly.")
    assert isinstance(reading, Told)
    assert not reading.told([["dog"], ["the", "cat", "juggles", "torches", "wildly"]], words)


def test_scenes_of_known_things_are_plain() -> None:
    assert is_plain("a dog and a cat", ["a", "dog"], VOCABULARY)
    assert not is_plain("a dog w a cat", ["a", "dog"], VOCABULARY)


def test_prompts_with_lens_and_light_speak_of_looks() -> None:
    assert speaks_of_looks("a dog, 85mm lens, golden hour", VOCABULARY)
    assert not speaks_of_looks("a dog and a cat", VOCABULARY)


def test_chat_spellings_are_put_in_words() -> None:
    assert chat_words("dog w/ hat n cat, pleeease") == ["dog", "with", "hat", "and", "cat", ",", "please"]


def test_clauses_end_where_somebody_begins_to_speak() -> None:
    found = list(clauses_in(["it", "is", "late", ",", "so", "i", "need", "a", "dog"]))
    assert found == [["it", "is", "late"], ["i", "need", "a", "dog"]]


def test_courtesy_behind_a_wish_is_left_out() -> None:
    assert without_ends(["a", "dog", ",", "if", "you", "have", "one"], purpose=False) == ["a", "dog"]


def test_who_speaks_of_people_makes_a_remark() -> None:
    assert is_remark(["we've", "decided"])
    assert not is_remark(["a", "dog"])
