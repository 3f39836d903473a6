"""Where things go."""

import pytest

from imagerag.agent.follow_up.changes import clause
from imagerag.agent.follow_up.edit import Edit
from testing.follow_ups import NAMES, changed, read


@pytest.mark.parametrize(
    ("request_", "prompt", "result"),
    [
        ("move the dog to the right of the cat", "a dog and a cat", "a cat to the left of a dog"),
        ("put the cat on the dog", "a dog and a cat", "a cat on a dog"),
        ("put the dog behind the cat", "a dog and a cat", "a cat in front of a dog"),
        ("swap their places", "a dog to the left of a cat", "a cat to the left of a dog"),
        ("put the cat to the left", "a dog and a cat", "a dog to the right of a cat"),
        ("move it to the left", "a dog", "a dog, on the left"),
        ("put it in the top right corner", "a dog", "a dog, in the top right corner"),
        ("put a tree between them", "a dog and a cat", "a dog to the left of a tree to the left of a cat"),
        ("now put it on a boat", "a lobster", "a lobster on a boat"),
        ("put it in a forest", "a dog on a beach", "a dog inside a forest"),
        ("put the cat in a boat", "a dog and a cat", "a cat inside a boat and a dog"),
        ("put a bird on the cat", "a dog and a cat", "a bird on a cat and a dog"),
        ("the tree should be behind", "a dog in front of a tree", "a dog in front of a tree"),
        ("cat left, dog right", "a dog and a cat", "a cat to the left of a dog"),
    ],
)
def test_places(request_: str, prompt: str, result: str) -> None:
    assert changed(request_, prompt) == result


def test_each_thing_goes_to_the_side_that_is_said_of_it() -> None:
    assert (
        changed("the frog on the left, the mouse on the right", "a mouse and a frog") == "a frog to the left of a mouse"
    )


def test_the_middle_of_two_is_between_them() -> None:
    result = changed("put a ball in the middle of the two", "a dog and a cat")
    assert result == "a dog to the left of a ball to the left of a cat"


def test_a_definite_name_that_nothing_is_known_of_is_refused() -> None:
    assert "There is no wombat" in read("put the wombat next to it").answer


def test_what_is_to_be_put_on_what_stands_on_it_stays() -> None:
    assert read("put the hat on the scarf", "a hat wearing a scarf").declined


@pytest.mark.parametrize(
    ("request_", "result"),
    [
        ("add a ball on the dog's right", "a cat and a dog to the left of a ball"),
        ("add a ball to the dog's left side", "a cat and a dog to the right of a ball"),
        ("a star over the dog's head", "a cat and a dog under a star"),
        ("put a ball at the dog's feet", "a cat and a dog next to a ball"),
        ("put a ball by the dog's side", "a cat and a dog next to a ball"),
        ("put a ball between the dog's legs", "a cat and a dog above a ball"),
        ("put a rose in the dog's hair", "a rose on a dog and a cat"),
        ("put a balloon in the dog's left paw", "a cat and a dog with a balloon"),
        ("on the dog's head, a hat", "a cat and a dog wearing a hat"),
        ("above the dog, add a moon", "a cat and a dog under a moon"),
    ],
)
def test_somebody_s_side_or_part_is_a_place(request_: str, result: str) -> None:
    assert changed(request_, "a cat and a dog") == result


@pytest.mark.parametrize(
    ("before", "order", "after"),
    [
        ("a dog and a cat", "put an owl between them", "a dog to the left of an owl to the left of a cat"),
        ("a dog , a cat and an owl", "put the owl between the dog and the cat",
         "a dog to the left of an owl to the left of a cat"),
        ("a hat on a dog to the left of a cat", "put an owl between the dog and the cat",
         "a hat on a dog to the left of an owl to the left of a cat"),
    ],
)  # fmt: skip
def test_something_stands_between_two_with_what_is_on_them(before: str, order: str, after: str) -> None:
    edit = Edit.of(before, NAMES, NAMES)
    assert clause(edit, order.split())
    assert edit.described() == after


def test_nothing_stands_between_a_thing_and_what_is_on_it() -> None:
    edit = Edit.of("a bird on a dog", NAMES, NAMES)
    assert not clause(edit, ["put", "an", "owl", "between", "them"]) or edit.described() == "a bird on a dog"
