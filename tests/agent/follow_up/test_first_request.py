"""What a first request can ask for, put together from what it mentions; the real network tells which it does."""

import numpy as np
import pytest

from imagerag.agent.follow_up.edit import Edit
from imagerag.agent.follow_up.first_request import (
    LONGEST,
    MOST_WEIGHED,
    drawn_as,
    first_readings,
    likelier,
    names_one,
    openings,
)
from imagerag.agent.follow_up.phrases import words_of
from imagerag.agent.follow_up.reading import FollowUps
from imagerag.index.captions import common_names
from testing.follow_up_corpus import library_names


@pytest.fixture(scope="module")
def reader() -> FollowUps:
    return FollowUps(library_names(), common_names)


@pytest.fixture(scope="module")
def nothing(reader: FollowUps) -> Edit:
    return reader.begin()


def drawn(edit: Edit, request: str) -> list[str | None]:
    read, proposals = openings(edit, words_of(request))
    return [drawn_as(edit, read.mentions, one) for one in proposals]


@pytest.mark.parametrize(
    ("request_", "prompt"),
    [
        ("cow brown", "a brown cow"),
        ("boat of white color", "a white boat"),
        ("castle, big", "a large castle"),
        ("tulip, four", "four tulips"),
        ("my sister wants a cake", "a cake"),
        ("owl sit on tree", "an owl on a tree"),
        ("a basket with a tree beside it", "a basket next to a tree"),
        ("on a chair: a teddy bear", "a teddy bear on a chair"),
        ("a bathtub and in it a duck", "a duck inside a bathtub"),
        ("a cat, orange background", "a cat on an orange background"),
        ("three owls, two dogs, a cat", "three owls and two dogs and a cat"),
        ("a dog at night", "a dog, at night"),
    ],
)
def test_what_is_meant_is_among_what_is_proposed(nothing: Edit, request_: str, prompt: str) -> None:
    assert prompt in drawn(nothing, request_)


def test_nothing_is_proposed_where_no_thing_is_named_or_too_much_is(nothing: Edit) -> None:
    assert openings(nothing, words_of("hello there"))[1] == []
    assert openings(nothing, ["a", "dog"] * LONGEST)[1] == []


def test_what_is_proposed_of_many_things_stays_bounded(nothing: Edit) -> None:
    request = "red dog on cat, blue owl under tree, small car behind house, green frog in boat"
    assert 0 < len(openings(nothing, words_of(request))[1]) <= MOST_WEIGHED


def test_the_likeliest_comes_first_and_shares_add_up(nothing: Edit) -> None:
    def last(request: object, proposals: object, scores: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
        return np.arange(len(scores), dtype=float)

    found = first_readings(nothing, words_of("a dog and a cat"), last)
    assert [one.prompt for one in found] == ["a cat", "a dog", "a dog and a cat"]
    assert sum(one.probability for one in found) == pytest.approx(1)


def test_what_rules_read_likewise_is_left_to_them(nothing: Edit) -> None:
    def first(request: object, proposals: object, scores: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
        return -9.0 * np.arange(len(scores), dtype=float)

    words = words_of("a dog and a cat")
    assert likelier(nothing, words, "a cat and a dog", library_names(), first) is None
    other = likelier(nothing, words, "a dog's cat thing", library_names(), first)
    assert other is not None
    assert other.prompt == "a dog and a cat"


@pytest.mark.parametrize(
    ("request_", "prompt"),
    [
        ("make one guitar", "a guitar"),
        ("house yellow", "a yellow house"),
        ("hello, today is birthday of my sister, need picture with cake", "a cake"),
        ("My son is nervous about the dentist, so please draw a tooth and a toothbrush.", "a tooth and a toothbrush"),
        ("burger together with fries", "a burger and a fries"),
        ("octopus playing drum", "an octopus and a drum"),
    ],
)
def test_a_chatty_request_is_read_as_what_it_asks_for_and_that_is_told(
    reader: FollowUps, request_: str, prompt: str
) -> None:
    brief = reader.brief(request_, [])
    assert brief.prompt == prompt
    assert brief.prompt == request_ or brief.notes


@pytest.mark.parametrize(
    "written",
    [
        "food photography, bowl of ramen, chopsticks, overhead shot, natural light, shot on Canon EOS R5",
        "an elephant herd, dust, backlit by the setting sun, Nikon D500 + Sigma 150-600mm",
        "old scooter propped against a market stall, hip shot, f/5.6 zone focus",
    ],
)
def test_a_photographer_s_prompt_stays_as_it_is(reader: FollowUps, written: str) -> None:
    assert reader.brief(written, []).prompt == written


@pytest.mark.parametrize(
    "plain", ["a dog", "two red balloons", "a cat on a mat", "a girl reading a book under a tree", "a wug", "owls, 3d"]
)
def test_a_plain_prompt_stays_as_it_is(reader: FollowUps, plain: str) -> None:
    assert reader.brief(plain, []).prompt == plain


@pytest.mark.parametrize(
    "named",
    [
        "the mascot of the 2026 Winter Olympics",
        "the mascot of the 2026 winter olympics",
        "the cat of Ernst Blofeld sits",
    ],
)
def test_nothing_of_a_name_is_left_out(reader: FollowUps, named: str) -> None:
    assert reader.brief(named, []).prompt == named


def test_days_and_those_who_speak_are_no_names() -> None:
    assert not names_one("On Friday I'd like a cat. My son likes cats! DRAW: A cat")
    assert not names_one("A CAT ON A MAT")
