"""How many of a thing there are to be."""

import pytest

from testing.follow_ups import changed, read


@pytest.mark.parametrize(
    ("request_", "prompt", "result"),
    [
        ("three of them", "a dog", "three dogs"),
        ("make it two dogs", "a dog", "two dogs"),
        ("one more dog", "a dog", "two dogs"),
        ("add another", "a dog", "two dogs"),
        ("another dog next to it", "a dog", "two dogs"),
        ("only one", "two dogs", "a dog"),
        ("one dog less", "three dogs", "two dogs"),
        ("2 balls", "a dog next to a red ball", "a dog next to two red balls"),
        ("it needs more dogs", "a dog", "two dogs"),
    ],
)
def test_counts(request_: str, prompt: str, result: str) -> None:
    assert changed(request_, prompt) == result


def test_more_than_a_picture_holds_is_told() -> None:
    assert "one picture holds at most 4" in read("make it five dogs").answer
