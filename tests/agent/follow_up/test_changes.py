"""A request as one or several changes."""

import pytest

from testing.follow_ups import changed, read


@pytest.mark.parametrize(
    ("request_", "prompt", "result"),
    [
        ("remove the dog and make the cat blue", "a dog and a cat", "a blue cat"),
        ("paint it blue and add a hat", "a dog", "a blue dog wearing a hat"),
        ("make the dog red and the crown blue", "a dog wearing a crown", "a red dog wearing a blue crown"),
        ("give the cat a scarf and the dog a hat", "a dog and a cat", "a dog wearing a hat and a cat wearing a scarf"),
        ("too many, just one", "two dogs", "a dog"),
        ("Wonderful. One last thing: please take the cat out.", "a dog and a cat", "a dog"),
        ("I'm sorry to bother you again, but could the dog perhaps be blue instead?", "a dog", "a blue dog"),
        ("put it on the moon and make it red", "a dog", "a red dog on a moon"),
    ],
)
def test_several_changes_in_one_request(request_: str, prompt: str, result: str) -> None:
    assert changed(request_, prompt) == result


def test_a_request_of_which_a_part_is_not_read_changes_nothing() -> None:
    brief = read("make it red and flubber the wombat")
    assert brief.prompt == "a dog"
    assert "flubber the wombat" in brief.answer


def test_a_long_request_is_read_in_time_linear_in_its_length() -> None:
    assert read("put it on the " * 250 + "moon").answer
    assert read("make the dog and " * 230 + "red").answer
    assert read("a cat and " * 390 + "a dog").prompt.startswith("a cat and a cat")
