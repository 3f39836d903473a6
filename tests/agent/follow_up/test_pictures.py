"""Which picture of the thread a request speaks of."""

from dataclasses import replace

import pytest

from imagerag.agent.follow_up import pictures
from imagerag.agent.protocols import Brief, PastImage
from testing.follow_ups import read


@pytest.mark.parametrize(
    "request_", ["another one", "try again", "do it once more", "same picture, different pose", "again!"]
)
def test_another_one_is_the_same_picture_under_another_seed(request_: str) -> None:
    assert read(request_) == Brief("a dog", "image-1", keep_seed=False)


def test_another_try_with_a_change() -> None:
    assert read("another try without the hat", "a dog and a hat") == Brief("a dog", "image-1", keep_seed=False)


def test_variations() -> None:
    assert read("4 variations") == Brief("a dog", "image-1", keep_seed=False, candidates=4)
    assert "only 1..16" in read("make 90 variations").answer


@pytest.mark.parametrize(
    ("request_", "image"),
    [
        ("go back to the first one", "image-1"),
        ("image-1", "image-1"),
        ("hm, i prefer the blue one. use that", "image-2"),
        ("go back to the one with just the dog", "image-1"),
        ("undo", "image-2"),
        ("cancel that", "image-2"),
    ],
)
def test_an_earlier_picture_is_shown_again_and_not_drawn(request_: str, image: str) -> None:
    brief = read(request_, "a red cat", ["a dog", "a blue dog on a boat"])
    assert brief.base == image
    assert brief.answer


def test_a_change_of_an_earlier_picture() -> None:
    brief = read("go back to the first one and make it green", "a red cat", ["a dog"])
    assert brief == Brief("a green dog", "image-1")


@pytest.mark.parametrize("request_", ["go back to the ninth one", "back to image-7"])
def test_a_picture_that_is_not_there_is_told(request_: str) -> None:
    brief = read(request_)
    assert "names no picture of this conversation; it has image-1 (a dog)" in brief.answer
    assert brief.base == "image-1"


def test_a_fresh_start_and_the_way_back() -> None:
    assert pictures.is_fresh_start("start over")
    brief = read("start over")
    assert (brief.base, brief.prompt) == (None, "")


@pytest.mark.parametrize(
    ("request_", "stands", "base"),
    [
        ("bring back the cats", "two robots and a tree", "image-1"),
        ("restore the cat", "a robot", "image-1"),
    ],
)
def test_what_an_unlike_picture_lacks_is_brought_back_with_its_picture(request_: str, stands: str, base: str) -> None:
    brief = read(request_, stands, ["a cat and an owl"])
    assert brief.answer
    assert brief.base == base


def test_what_a_like_picture_lacks_is_brought_back_into_it() -> None:
    brief = read("bring back the owl", "a red cat", ["a cat and an owl"])
    assert not brief.answer
    assert brief.prompt == "a red cat and an owl"


PAST = ("a dog", "a dog wearing a hat", "a red dog wearing a hat", "a red dog wearing a hat on a boat")


@pytest.mark.parametrize(
    ("said", "image"),
    [
        ("was better before", "image-4"),
        ("two steps back please", "image-3"),
        ("undo , undo , undo", "image-2"),
        ("take me to before the boat", "image-3"),
        ("before i asked for a hat", "image-1"),
        ("restore the version without a hat", "image-1"),
        ("where the dog was red but had no boat", "image-3"),
        ("the first version was nicest", "image-1"),
        ("back to just a dog", "image-1"),
    ],
)
def test_which_picture_is_gone_back_to_is_told_by_what_it_shows(said: str, image: str) -> None:
    history = [PastImage(f"image-{at}", prompt, at) for at, prompt in enumerate((*PAST, f"{PAST[-1]} at night"), 1)]
    standing = replace(history[-1], standing=True, before="image-4")
    found = pictures.earlier_meant(said.split(), [*history[:-1], standing], standing)
    assert found is not None
    assert found.id == image


def test_there_is_nothing_to_go_back_to_from_the_first_picture() -> None:
    only = PastImage("image-1", "a dog", 1, standing=True)
    assert pictures.earlier_meant(["go", "back"], [only], only) is None


@pytest.mark.parametrize(
    ("request_", "image"),
    [
        ("2 steps back pls", "image-2"),
        ("undo the last two changes", "image-2"),
        ("undo, undo, undo", "image-1"),
        ("rewind three steps", "image-1"),
        ("prev one", "image-3"),
        ("well, that is over the top, back to the previous picture", "image-3"),
        ("we'd best revert that", "image-3"),
        ("Hm, I preferred the previous version, revert.", "image-3"),
        ("actually I liked the dog, undo that", "image-3"),
        ("oof, back to the one I had", "image-3"),
        ("go back to when it was just a dog", "image-1"),
    ],
)
def test_steps_back_are_read_in_many_words(request_: str, image: str) -> None:
    brief = read(request_, PAST[-1], PAST[:-1])
    assert brief.base == image
    assert brief.answer
    assert not brief.declined


@pytest.mark.parametrize("request_", ["two steps", "add two pictures", "make it three times"])
def test_no_number_alone_goes_back(request_: str) -> None:
    assert pictures.steps_back(request_) == 0
