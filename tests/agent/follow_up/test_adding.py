"""Things that are to come into a picture."""

import pytest

from testing.follow_ups import changed


@pytest.mark.parametrize(
    ("request_", "prompt"),
    [
        ("put a crown on it", "a dog wearing a crown"),
        ("add a cat", "a dog and a cat"),
        ("add a cat next to it", "a dog next to a cat"),
        ("pls add a ball infront of it", "a dog behind a ball"),
        ("give it a crown", "a dog wearing a crown"),
        ("give him a ball", "a dog with a ball"),
        ("put to him a hat of colour red", "a dog wearing a red hat"),
        ("can you put a tree behind it?", "a dog in front of a tree"),
        ("there should be a moon", "a dog and a moon"),
        ("how about a hat?", "a dog wearing a hat"),
        ("i think a hat would be nice", "a dog wearing a hat"),
        ("add a hat and a red ball", "a dog wearing a hat and a red ball"),
        ("and a cat too", "a dog and a cat"),
        ("put a bird on its head", "a bird on a dog"),
        ("put a pizza in its mouth", "a dog with a pizza"),
        ("put a star on top", "a star on a dog"),
        ("+ hat", "a dog wearing a hat"),
    ],
)
def test_something_comes_in(request_: str, prompt: str) -> None:
    assert changed(request_) == prompt


def test_a_new_thing_goes_into_the_setting_that_there_is() -> None:
    assert changed("add a cat", "a dog on a beach") == "a dog and a cat on a beach"


@pytest.mark.parametrize(
    ("request_", "prompt", "result"),
    [
        ("I want a red boat", "a boat", "a red boat"),
        ("a yellow boat would be nicer", "a boat above a castle", "a yellow boat above a castle"),
        ("one with a green dog", "a dog on a castle", "a green dog on a castle"),
        ("add a red boat", "a boat", "a boat and a red boat"),
        ("stars in the night sky", "a boat and a castle", "a boat and a castle and two stars, at night"),
        ("the same with two dogs", "a cat and a dog", "a cat and two dogs"),
    ],
)
def test_a_wish_for_what_is_there_in_another_look_adds_nothing(request_: str, prompt: str, result: str) -> None:
    assert changed(request_, prompt) == result


def test_what_is_above_all_is_above_it() -> None:
    assert changed("and a bird above it all", "a cat on a boat") == "a cat on a boat under a bird"
