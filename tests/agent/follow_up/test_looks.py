"""Colour, size, style, time of day, background and framing."""

import pytest

from testing.follow_ups import changed, read


@pytest.mark.parametrize(
    ("request_", "prompt", "result"),
    [
        ("make it light green", "a dog", "a light green dog"),
        ("make it darker", "a blue dog", "a dark blue dog"),
        ("remove the colour", "a red dog", "a dog"),
        ("make the mouse bigger than the dog", "a dog and a mouse", "a small dog and a large mouse"),
        ("smaller", "a large dog", "a dog"),
        ("as a watercolour", "a dog", "a dog, watercolour"),
        ("flat style instead", "a dog, 3d style", "a dog, flat style"),
        ("in the style of van gogh", "a dog", "a dog, van gogh style"),
        ("early morning please", "a dog", "a dog, morning light"),
        ("now the same at night", "a dog, morning light", "a dog, at night"),
        ("day again", "a dog, at night", "a dog"),
        ("pink bg", "a dog", "a dog on a pink background"),
        ("change the background to a beach", "a dog on a blue background", "a dog inside a beach"),
        ("zoom out", "a dog, close-up", "a dog"),
    ],
)
def test_how_it_looks(request_: str, prompt: str, result: str) -> None:
    assert changed(request_, prompt) == result


@pytest.mark.parametrize(
    ("request_", "prompt", "says"),
    [
        ("bigger", "a large dog", "as large as it gets"),
        ("zoom out", "a dog, extreme wide shot", "as far away as it gets"),
    ],
)
def test_what_changes_nothing_is_told(request_: str, prompt: str, says: str) -> None:
    assert says in read(request_, prompt).answer


@pytest.mark.parametrize(
    ("request_", "prompt", "result"),
    [
        ("colour them red and blue", "a dog and a cat", "a red dog and a blue cat"),
        ("make them red and blue", "two dogs", "a red dog and a blue dog"),
        ("make it yellow", "a red apple", "a yellow apple"),
        ("change the dog's colour to white and the cat's to black", "a dog and a cat", "a white dog and a black cat"),
        ("the boat shouldn't be that big", "a boat", "a small boat"),
    ],
)
def test_a_look_goes_to_what_it_is_said_of(request_: str, prompt: str, result: str) -> None:
    assert changed(request_, prompt) == result


@pytest.mark.parametrize("request_", ["make it red and blue", "the dog shouldn't be red"])
def test_a_look_that_nothing_can_have_is_refused(request_: str) -> None:
    assert changed(request_, "a dog") == ""
