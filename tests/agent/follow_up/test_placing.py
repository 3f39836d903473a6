"""Where things go."""

import pytest

from testing.follow_ups import changed


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
