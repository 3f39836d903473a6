"""How large things are to be."""

import pytest

from testing.follow_ups import changed


@pytest.mark.parametrize(
    ("request_", "prompt", "result"),
    [
        ("make the mouse the biggest", "a dog, a mouse and a cat", "a small dog and a large mouse and a small cat"),
        ("the mouse should be bigger than the rest", "a dog and a mouse", "a small dog and a large mouse"),
        ("not so big, the dog", "a cat and a dog", "a cat and a small dog"),
        ("same size again", "a small cat and a large dog", "a cat and a dog"),
        ("restore the original size", "a large dog", "a dog"),
        ("make the dog twice as big", "a dog", "a large dog"),
        ("moon too small", "a castle and a moon", "a castle and a large moon"),
    ],
)
def test_sizes_in_many_words(request_: str, prompt: str, result: str) -> None:
    assert changed(request_, prompt) == result
