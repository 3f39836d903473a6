"""One thing for another."""

import pytest

from testing.follow_ups import changed, read


@pytest.mark.parametrize(
    ("request_", "prompt", "result"),
    [
        ("replace the owl with a cat", "an owl on a boat", "a cat on a boat"),
        ("chnage it to a cat", "a dog", "a cat"),
        ("a cat instead", "a dog", "a cat"),
        ("instead of the dog draw a cat", "a dog in front of a tree", "a cat in front of a tree"),
        ("replace the crown with a hat", "a dog wearing a crown", "a dog wearing a hat"),
        ("swap the dog and the cat", "a dog and a cat", "a cat and a dog"),
        ("swap the dog for a cat", "a dog", "a cat"),
        ("dog -> cat", "a dog", "a cat"),
        ("change the colour of the ball to yellow", "a dog and a red ball", "a dog and a yellow ball"),
        ("replace one dog with a cat", "two dogs", "a dog and a cat"),
        ("I meant a frog, not a lobster", "an owl and a lobster", "an owl and a frog"),
        ("i meant white, not black", "a red boat and a black boat", "a red boat and a white boat"),
        ("I don't like the cat, use a bird", "a dog and a cat", "a dog and a bird"),
        ("i'm not keen on green, try blue", "a dog wearing a green scarf", "a dog wearing a blue scarf"),
        ("no not a dog, a lion", "a dog", "a lion"),
        ("rather a pizza than a croissant", "a robot with a croissant", "a robot with a pizza"),
        ("go for orange instead", "a dog on a blue background", "a dog on an orange background"),
    ],
)
def test_exchanges(request_: str, prompt: str, result: str) -> None:
    before = ["a dog"] if "background" in prompt else []
    assert changed(request_, prompt, before) == result


def test_a_thing_that_is_not_there_is_told() -> None:
    assert "There is no cat in the picture" in read("replace the cat with a bird").answer


@pytest.mark.parametrize(
    ("request_", "more"),
    [("make that three balloons", "three balloons"), ("make it five croissants", "five croissants")],
)
def test_several_of_what_nothing_is_like_take_no_things_place(request_: str, more: str) -> None:
    assert changed(request_, "a castle above a boat") in (f"a castle above a boat and {more}", "")


def test_what_comes_instead_of_what_was_just_removed_stands_where_that_stood() -> None:
    assert changed("owl instead", "a boat", ["a cat on a boat"]) == "an owl on a boat"
