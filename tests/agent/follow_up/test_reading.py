"""The kinds of answer to a request."""

import pytest

from imagerag.agent.follow_up.reading import FollowUps, standing_of
from imagerag.agent.protocols import Brief, PastImage
from imagerag.errors import UserError
from testing.follow_ups import NAMES, read


def test_a_change_goes_on_from_the_picture_that_stands_not_from_the_last_drawn() -> None:
    history = [
        PastImage("image-1", "a dog", 1, standing=True),
        PastImage("image-2", "a cat", 1, returned=False, standing=False),
    ]
    assert standing_of(history) == history[0]
    assert FollowUps(NAMES).brief("make it red", history) == Brief("a red dog", "image-1")


def test_what_is_not_understood_offers_what_can_be_said_of_this_picture() -> None:
    answer = read("flubber it", "a dog and a cat").answer
    assert "I don't understand 'flubber it'" in answer
    assert '"make the dog blue"' in answer
    assert '"remove the cat"' in answer


@pytest.mark.parametrize(
    "request_", ["put it on the moon", "now make it blue", "again", "go back to the second one", "undo"]
)
def test_what_points_back_at_nothing_is_refused(request_: str) -> None:
    with pytest.raises(UserError, match="this thread has none"):
        FollowUps(NAMES).brief(request_, [])


@pytest.mark.parametrize("request_", ["make it rain", "a dog", "move", "draw a cat", "thumbs up"])
def test_a_first_request_is_a_picture(request_: str) -> None:
    assert FollowUps(NAMES).brief(request_, []) == Brief(request_)


def test_a_polite_first_request_is_the_picture_it_asks_for() -> None:
    assert FollowUps(NAMES).brief("Hello! I would like a picture of a dog, please.", []) == Brief("a dog")


def test_talk_without_a_picture_says_what_to_do() -> None:
    assert "Say what to draw" in FollowUps(NAMES).brief("hi", []).answer
