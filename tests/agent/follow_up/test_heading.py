"""Which way a thing faces can't be drawn, and is no place."""

import pytest

from imagerag.agent.follow_up.edit import Edit
from imagerag.agent.follow_up.heading import refuse_turning
from testing.follow_ups import NAMES, changed, read


@pytest.mark.parametrize(
    ("request_", "prompt"),
    [
        ("turn the dog to the left", "a dog and a red ball"),
        ("it should face right", "a boat"),
        ("the rocket should point the other way", "a rocket and a moon"),
        ("make the dog look at the cat", "a dog and a cat"),
        ("the dog should look to the left", "a dog"),
        ("could you mirror it?", "a dog"),
        ("rotate the star 45 degrees", "a star"),
        ("flip the boat upside down please", "a boat"),
    ],
)
def test_turning_a_thing_is_refused_and_moves_nothing(request_: str, prompt: str) -> None:
    brief = read(request_, prompt)
    assert brief.declined
    assert "faces can't be changed" in brief.answer


@pytest.mark.parametrize(
    ("request_", "prompt", "result"),
    [
        ("put the dog to the left of the ball", "a dog and a ball", "a ball to the right of a dog"),
        ("turn the dog into a cat", "a dog", "a cat"),
        ("turn it to gold", "a dog", "a gold dog"),
        ("make it look like a cat", "a dog", "a cat"),
    ],
)
def test_what_turns_into_something_else_is_read(request_: str, prompt: str, result: str) -> None:
    assert changed(request_, prompt) == result


def test_what_is_not_in_the_picture_is_left_to_others() -> None:
    refuse_turning(Edit.of("a dog", NAMES, NAMES), ["turn", "the", "teapot", "to", "the", "left"])
