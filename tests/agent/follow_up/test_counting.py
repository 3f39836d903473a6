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
        ("make it six", "three dogs", "six dogs"),
        ("add two more", "three dogs", "five dogs"),
        ("another three dogs", "two dogs", "five dogs"),
        ("make it half a dozen", "two dogs", "six dogs"),
        ("add half a dozen balloons", "a dog", "a dog and six balloons"),
        ("double them", "three dogs", "six dogs"),
        ("double the dogs", "two dogs and a cat", "four dogs and a cat"),
        ("can you double the number of dogs?", "two dogs and a cat", "four dogs and a cat"),
        ("double the cats and make them red", "two cats", "four red cats"),
        ("twice as many dogs", "two dogs", "four dogs"),
        ("three times as many", "two dogs", "six dogs"),
        ("triple the owls please", "two owls and a cat", "six owls and a cat"),
        ("halve them", "four dogs", "two dogs"),
        ("half as many dogs", "four dogs", "two dogs"),
        ("double the dog", "a dog and a cat", "two dogs and a cat"),
        ("double the size of the dogs", "two dogs and a cat", "two large dogs and a cat"),
    ],
)
def test_counts(request_: str, prompt: str, result: str) -> None:
    assert changed(request_, prompt) == result


@pytest.mark.parametrize(
    ("request_", "prompt", "total"),
    [
        ("make it ten dogs", "a dog", 10),
        ("make it a dozen", "two dogs", 12),
        ("add seven more", "three dogs", 10),
        ("one more", "nine dogs", 10),
        ("add a cat", "nine dogs", 10),
        ("double them", "seven dogs", 14),
        ("add twelve birds", "a dog", 12),
        ("replace the dog with twelve cats", "a dog", 12),
    ],
)
def test_more_than_a_picture_holds_is_told(request_: str, prompt: str, total: int) -> None:
    brief = read(request_, prompt)
    assert brief.prompt == prompt
    assert f"{total} things" in brief.answer
    assert "one picture holds" in brief.answer


def test_half_of_an_odd_number_is_refused() -> None:
    assert "Half of 3 can't be drawn" in read("halve the dogs", "three dogs").answer
