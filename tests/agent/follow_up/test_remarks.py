"""What asks for nothing beside an order."""

import pytest

from imagerag.agent.follow_up.phrases import words_of
from imagerag.agent.follow_up.remarks import in_passing, wishes
from testing.follow_ups import changed


@pytest.mark.parametrize(
    "text", ["that's lovely, dear", "it feels a bit empty", "i'm not a fan of the hat", "isn't the dog too dark"]
)
def test_what_only_says_how_something_is_found_is_said_in_passing(text: str) -> None:
    assert in_passing(words_of(text))


@pytest.mark.parametrize("text", ["the dog should be red", "it needs a hat", "make it red", "i want a cat", "a cat"])
def test_a_wish_is_not(text: str) -> None:
    assert not in_passing(words_of(text))


def test_words_with_a_verb_of_change_may_be_a_wish() -> None:
    assert wishes(["just", "flip", "and", "add"])
    assert not wishes(["whatever", "works", "for", "you"])


@pytest.mark.parametrize(
    ("request_", "result"),
    [
        ("That's lovely, dear. Might we have a cat?", "a dog and a cat"),
        ("isn't it too dark? make it light blue", "a light blue dog"),
        ("feels a bit lonely, two cats would help", "a dog and two cats"),
        ("he wants a friend, a cat", "a dog and a cat"),
        ("make it fly? no. make it red", "a red dog"),
        ("barking at the postman, so add a ball", "a dog and a ball"),
    ],
)
def test_the_order_beside_it_is_read(request_: str, result: str) -> None:
    assert changed(request_) == result


def test_how_a_thing_is_said_to_be_is_how_it_is_to_be() -> None:
    assert changed("the dog is green and has a hat") == "a green dog wearing a hat"
