"""What a follow-up means, by rule."""

import pytest

from imagerag.agent.protocols import Brief, PastImage
from imagerag.agent.rule_follow_up import FollowUps
from imagerag.errors import UserError

HISTORY = [PastImage("image-1", "a lobster", 1), PastImage("image-2", "a lobster on a boat", 2)]


@pytest.mark.parametrize(
    ("request_", "prompt", "base"),
    [
        ("now put it on the moon", "a lobster on a moon", "image-2"),
        ("go back to the first one and make it red", "a red lobster", "image-1"),
        ("add a hat", "a lobster on a boat and a hat", "image-2"),
        ("remove the boat", "a lobster", "image-2"),
    ],
)
def test_a_change_of_an_earlier_picture(request_: str, prompt: str, base: str) -> None:
    assert FollowUps(frozenset()).brief(request_, HISTORY) == Brief(prompt, base)


def test_a_request_that_names_no_change_stands_for_itself() -> None:
    assert FollowUps(frozenset()).brief("an owl in a tree", HISTORY) == Brief("an owl in a tree")


def test_an_image_that_is_not_there() -> None:
    with pytest.raises(UserError, match="names no image of this thread; it has image-1, image-2"):
        FollowUps(frozenset()).brief("go back to the fifth one", HISTORY)
