"""What others wear and hold."""

import pytest

from testing.follow_ups import changed


@pytest.mark.parametrize(
    ("request_", "prompt", "result"),
    [
        ("give it a hat and a scarf", "a dog", "a dog wearing a hat wearing a scarf"),
        (
            "give the other one a necktie",
            "a dog and a cat wearing a crown",
            "a dog wearing a necktie and a cat wearing a crown",
        ),
        ("put a hat on the second one", "a dog and a cat", "a dog and a cat wearing a hat"),
        ("wearing a star", "a dog", "a dog wearing a star"),
    ],
)
def test_worn_things_go_with_their_wearer(request_: str, prompt: str, result: str) -> None:
    before = ["a dog and a cat"] if "crown" in prompt else []
    assert changed(request_, prompt, before) == result


def test_what_is_there_is_given_to_whom_the_words_say() -> None:
    assert changed("give the cat to the robot", "a robot and a cat") == "a robot with a cat"


@pytest.mark.parametrize("request_", ["give it blue eyes", "give it a fluffy tail"])
def test_a_part_of_a_body_is_no_thing_to_hold(request_: str) -> None:
    assert changed(request_, "a dog") == ""
