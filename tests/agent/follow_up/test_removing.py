"""What is to go."""

import pytest

from testing.follow_ups import changed, read


@pytest.mark.parametrize(
    ("request_", "prompt", "result"),
    [
        ("remove the boat", "a lobster on a boat", "a lobster"),
        ("remvoe the crown", "a dog wearing a crown", "a dog"),
        ("no hat", "a dog and a hat", "a dog"),
        ("take the hat away again", "a dog and a hat", "a dog"),
        ("i dont want the hat", "a dog and a hat", "a dog"),
        ("the hat is not needed", "a dog and a hat", "a dog"),
        ("remove the red one", "a red ball and a blue ball", "a blue ball"),
        ("only the dog", "a dog and a cat", "a dog"),
        ("remove everything but the dog", "a dog and a cat", "a dog"),
        ("remove one dog", "two dogs", "a dog"),
        ("no hat but a scarf", "a dog and a hat", "a dog wearing a scarf"),
        ("remove the background", "a dog on a blue background", "a dog"),
        ("take the ball out of the picture", "a dog and a ball", "a dog"),
    ],
)
def test_something_goes(request_: str, prompt: str, result: str) -> None:
    assert changed(request_, prompt) == result


def test_what_is_not_there_and_what_is_all_there_is() -> None:
    assert "There is no cat in the picture" in read("remove the cat").answer
    assert "Nothing would be left" in read("remove the dog").answer


def test_what_is_to_be_forgotten_goes_and_what_is_to_be_cut_is_not_guessed() -> None:
    assert changed("forget the cat", "a dog and a cat") == "a dog"
    assert changed("cut the pizza", "a dog and a pizza") == ""
