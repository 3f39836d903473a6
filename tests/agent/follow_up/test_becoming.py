"""What things are to be."""

import pytest

from testing.follow_ups import changed


@pytest.mark.parametrize(
    ("request_", "prompt"),
    [
        ("make it red", "a red dog"),
        ("mkae it blue", "a blue dog"),
        ("I'd like it to be green", "a green dog"),
        ("the dog should be red", "a red dog"),
        ("turn it into a robot", "a robot"),
        ("make it a cat", "a cat"),
        ("make the background yellow", "a dog on a yellow background"),
        ("pls change the background, black would be nice", "a dog on a black background"),
        ("it should wear a crown", "a dog wearing a crown"),
        ("could it wear a hat", "a dog wearing a hat"),
        ("it is too small", "a large dog"),
        ("the dog should sit on a castle", "a dog on a castle"),
        ("make it look like a cartoon", "a dog, cartoon style"),
    ],
)
def test_things_become_something(request_: str, prompt: str) -> None:
    assert changed(request_) == prompt


@pytest.mark.parametrize("request_", ["make it fly", "make it happier", "have the dog wave", "make the dog look left"])
def test_what_no_picture_can_show_is_no_other_thing(request_: str) -> None:
    assert changed(request_) == ""
