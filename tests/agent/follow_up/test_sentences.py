"""Sentences read by their chunks, in words that no table has as a whole."""

import pytest

from testing.follow_ups import changed, read


@pytest.mark.parametrize(
    ("request_", "prompt", "after"),
    [
        ("lean a ball next to it", "a dog", "a dog next to a ball"),
        ("below the castle put a frog", "a castle", "a castle above a frog"),
        ("add tree on left hand side of the dog", "a dog", "a dog to the right of a tree"),
        ("standing next to a rocket", "a dog", "a dog next to a rocket"),
        ("riding a lobster", "a dog", "a dog on a lobster"),
        ("dressed in a scarf", "a dog", "a dog wearing a scarf"),
        ("please attach a crown to the dog", "a dog and a cat", "a dog wearing a crown and a cat"),
        ("he is standing on a pizza", "a dog", "a dog on a pizza"),
        ("give it a moon behind", "a dog", "a dog in front of a moon"),
        ("the ball on the other side", "a dog to the left of a ball", "a dog to the right of a ball"),
        ("change red to blue", "a dog wearing a red hat", "a dog wearing a blue hat"),
        ("the ball isn't necessary", "a dog and a ball", "a dog"),
        ("one red, one yellow", "two balls", "a red ball and a yellow ball"),
        ("one red, one blue and one yellow", "three balls", "a red ball and a blue ball and a yellow ball"),
        ("dog left, cat right", "a cat and a dog", "a dog to the left of a cat"),
        ("add a castle in the background", "a dog", "a dog in front of a castle"),
    ],
)
def test_a_sentence_is_read_by_the_kinds_of_its_chunks(request_: str, prompt: str, after: str) -> None:
    assert changed(request_, prompt) == after


@pytest.mark.parametrize(
    "request_",
    ["flubber the wombat", "make it red and flubber the wombat", "what is a ball?"],
)
def test_a_word_that_is_not_read_leaves_all_of_it_unread(request_: str) -> None:
    brief = read(request_)
    assert brief.answer
    assert brief.prompt == "a dog"
