"""What requests mention, wherever it stands."""

import pytest

from imagerag.agent.follow_up.edit import Edit
from imagerag.agent.follow_up.mentions import Mention, mentions_of, sized
from testing.follow_up_corpus import library_names
from testing.follow_ups import NAMES, read


def mentioned(request: str, prompt: str = "a dog") -> list[Mention]:
    return mentions_of(Edit.of(prompt, NAMES, NAMES), request.split())


@pytest.mark.parametrize(
    ("request_", "kinds"),
    [
        ("perch an owl on his shoulder", ["thing", "relation", "pronoun"]),
        ("the dog ought to be red", ["thing", "colour"]),
        ("for the background light blue", ["background", "colour"]),
        ("three of them in the top left corner", ["number", "pronoun", "side"]),
        ("do it as pixel art at night", ["pronoun", "style", "relation", "time"]),
        ("why would anybody like that", ["pronoun"]),
    ],
)
def test_each_mention_has_the_kind_of_what_it_is(request_: str, kinds: list[str]) -> None:
    assert [one.kind for one in mentioned(request_)] == kinds


def test_a_thing_has_what_is_said_before_it_and_its_places_in_the_picture() -> None:
    cat, dog = mentioned("two small light blue cats by the dog", "a tree and a dog")[::2]
    assert (cat.words, cat.count, cat.colour, cat.size, cat.places) == (("cats",), 2, "light blue", "small", ())
    assert (dog.words, dog.before, dog.places) == (("dog",), ("the",), (1,))


def test_one_more_of_a_thing_is_none_that_is_there() -> None:
    edit = Edit.of("two dogs", NAMES, NAMES)
    assert [one.is_one_more for one in mentions_of(edit, ["another", "dog"])] == [True]
    assert [one.is_one_more for one in mentions_of(edit, ["a", "second", "dog"])] == [True]
    assert [one.is_one_more for one in mentions_of(edit, ["the", "second", "dog"])] == [False]
    assert read("he needs a mate, another robot but red", "a green robot").prompt == "a green robot and a red robot"


def test_a_colour_in_a_name_is_a_part_of_the_name() -> None:
    (apple,) = mentioned("a red apple")
    assert apple.words == ("red", "apple")


@pytest.mark.parametrize(
    ("request_", "size"), [("the dog is too big", "smaller"), ("not so small", "bigger"), ("a big dog", "bigger")]
)
def test_too_much_of_a_size_asks_for_the_opposite(request_: str, size: str) -> None:
    found = mentioned(request_)[-1]
    assert sized([found.size] if found.size else found.words) == size


@pytest.mark.parametrize(
    ("request_", "words", "relation"),
    [
        ("a cat on her left", ("on", "her", "left"), "left of"),
        ("a cat to its right", ("to", "its", "right"), "right of"),
        ("a cat in front", ("in", "front"), "in front of"),
        ("a cat on top of it", ("on", "top", "of"), "on"),
    ],
)
def test_a_place_is_said_of_who_is_meant(request_: str, words: tuple[str, ...], relation: str) -> None:
    assert [(one.words, one.relation) for one in mentioned(request_) if one.relation] == [(words, relation)]


@pytest.mark.parametrize(
    ("request_", "names"),
    [
        ("a wug on the dog", ["wug", "dog"]),
        ("two wugs on it", ["wugs"]),
        ("cop next to it", ["cop"]),
        ("and grandpa right of her", ["grandpa"]),
        ("a bit bigger", []),
        ("lovely !", []),
        ("flubber it", []),
    ],
)
def test_a_word_where_a_noun_stands_may_name_a_thing(request_: str, names: list[str]) -> None:
    assert [" ".join(one.words) for one in mentioned(request_) if one.kind == "thing"] == names


@pytest.mark.parametrize(
    ("request_", "named", "count"),
    [
        ("a piece of cheese", "cheese", 0),
        ("two slices of pizza", "pizza", 2),
        ("a bottle of salt", "salt", 0),
        ("a glass of milk", "glass of milk", 0),
        ("a pair of gloves", "gloves", 0),
    ],
)
def test_what_a_thing_is_measured_in_is_said_before_its_name(request_: str, named: str, count: int) -> None:
    names = library_names()
    (mention,) = mentions_of(Edit.of("a dog", names, names), request_.split())
    assert (" ".join(mention.words), max(mention.count, 1)) == (named, max(count, 1))
