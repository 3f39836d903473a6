"""A picture that is being changed."""

from imagerag.agent.follow_up.edit import BACKGROUND, Edit, changed_between, in_words, is_known
from imagerag.agent.follow_up.reading import FollowUps
from imagerag.agent.protocols import PastImage
from imagerag.index.captions import common_names
from imagerag.prompt_grammar.parser import parse_scene
from testing.follow_up_corpus import library_names
from testing.follow_ups import NAMES


def test_a_thing_is_read_only_from_words_that_name_one() -> None:
    edit = Edit.of("a dog", NAMES, NAMES)
    items = edit.thing_of(["a", "hat", "of", "colour", "red"])
    assert items is not None
    assert (items[0].thing.phrase, items[0].thing.colour) == ("hat", "red")
    assert edit.thing_of(["something", "nice"]) is None
    assert edit.thing_of(["a", "scarf", "and", "the", "cat", "a", "hat"]) is None
    assert edit.thing_of(["wombat"], bare=True) is None


def test_what_was_changed_last() -> None:
    assert changed_between(parse_scene("a dog"), parse_scene("a dog and a cat")) == "cat"
    assert changed_between(parse_scene("a dog"), parse_scene("a dog on a blue background")) == BACKGROUND
    assert changed_between(parse_scene("a dog"), parse_scene("a dog")) == ""
    assert changed_between(parse_scene("a dog"), parse_scene("a bird above a dog")) == "bird"
    assert changed_between(parse_scene("a dog"), parse_scene("a bird above a red dog")) == "bird"


def test_pictograms_of_known_things_are_words() -> None:
    assert in_words("add a \N{BALLOON}", NAMES).split() == ["add", "a", "balloon"]
    assert in_words("my tv", {"television"}) == "my television"


def test_a_noun_is_known_in_singular_and_plural() -> None:
    assert is_known("cats", NAMES)
    assert is_known("big cat", NAMES)
    assert not is_known("wombat", NAMES)


def test_a_name_that_the_picture_has_is_not_put_otherwise() -> None:
    """Else "the plane above the suitcase" adds an airplane beside the plane that is there."""
    assert in_words("a plane", {"airplane"}) == "an airplane"
    assert in_words("a plane", {"airplane"}, kept={"plane"}) == "a plane"
    reader = FollowUps(library_names(), common_names)
    there = PastImage("image-1", "a plane and a suitcase", 1, standing=True)
    assert reader.brief("plane above suitcase", [there]).prompt == "a suitcase under a plane"
