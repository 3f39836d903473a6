"""Remarks, repairs, corrections, and what "it" is."""

import pytest

from testing.follow_ups import changed, read


@pytest.mark.parametrize(
    ("request_", "prompt", "after"),
    [
        ("take away the ball, it looks odd", "a dog and a ball", "a dog"),
        ("put a rocket... no wait, a ball next to it", "a dog", "a dog next to a ball"),
        ("make it white, not black", "a dog", "a white dog"),
        ("the dog isn't supposed to be brown, make him white", "a dog and a cat", "a white dog and a cat"),
        ("two cats please, not one", "a cat", "two cats"),
        ("no you fool, a cat", "a dog", "a cat"),
    ],
)
def test_what_is_said_of_the_request_is_no_part_of_it(request_: str, prompt: str, after: str) -> None:
    assert changed(request_, prompt) == after


def test_it_is_what_the_request_before_has_added() -> None:
    assert changed("make it red", "a dog with a ball", ["a dog"]) == "a dog with a red ball"
    assert changed("make it red", "a dog with a ball") == "a red dog with a ball"


def test_a_remark_alone_changes_nothing() -> None:
    assert read("the ball looks odd", "a dog and a ball").answer


@pytest.mark.parametrize(
    ("request_", "prompt", "result"),
    [
        ("he could use a friend, add a lobster next to him", "a robot", "a robot next to a lobster"),
        (
            "make the teapot blue, the balloons can stay as they are",
            "a teapot and two balloons",
            "a blue teapot and two balloons",
        ),
        ("take out the animal in the middle, the cat", "a dog, a cat and a bird", "a dog and a bird"),
    ],
)
def test_what_is_said_beside_an_order_asks_for_nothing(request_: str, prompt: str, result: str) -> None:
    assert changed(request_, prompt) == result


def test_a_kind_before_what_is_meant_of_it_is_no_thing() -> None:
    assert changed("add a fruit, like a red apple", "a dog") == "a dog and a red apple"
    assert changed("add a pet, maybe a cat", "a dog") == "a dog and a cat"
