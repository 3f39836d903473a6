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
