"""Changes without a verb."""

import pytest

from testing.follow_ups import changed


@pytest.mark.parametrize(
    ("request_", "prompt"),
    [
        ("red", "a red dog"),
        ("bigger", "a large dog"),
        ("on the beach", "a dog on a beach"),
        ("in the snow", "a dog inside a snow"),
        ("at night", "a dog, at night"),
        ("in 3d", "a dog, 3d style"),
        ("with a hat", "a dog wearing a hat"),
        ("same but at night", "a dog, at night"),
        ("same dog but blue", "a blue dog"),
        ("zoom out", "a dog, wide shot"),
        ("closer", "a dog, close-up"),
        ("dog on the right", "a dog, on the right"),
        ("no, blue", "a blue dog"),
        ("on green", "a dog on a green background"),
    ],
)
def test_a_change_in_few_words(request_: str, prompt: str) -> None:
    assert changed(request_) == prompt


def test_a_place_alone_is_of_what_was_moved_last() -> None:
    moved = changed("no, to the right", "a dog to the right of a tree", ["a dog next to a tree"])
    assert moved == "a dog to the left of a tree"
