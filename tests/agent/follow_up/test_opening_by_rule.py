"""What rules make of a request in a thread without a picture."""

import pytest

from imagerag.agent.follow_up.opening_by_rule import FirstRequest, first_by_rule
from imagerag.agent.follow_up.phrases import without_courtesy, words_of
from imagerag.agent.protocols import Brief
from imagerag.errors import UserError
from testing.follow_ups import NAMES


def ruled(request: str) -> Brief:
    words = words_of(request)
    first = FirstRequest(request, words, " ".join(without_courtesy(words)))
    return first_by_rule(first, NAMES, NAMES, {}, talk_only=False)


@pytest.mark.parametrize(
    ("request_", "prompt"),
    [
        ("a dog", "a dog"),
        ("a boat, please, and a hat", "a boat and a hat"),
        ("draw a dog for my daughter", "a dog"),
        ("a tree and an owl above it", "an owl above a tree"),
        ("a robot with a cat to its left", "a cat to the left of a robot"),
        ("Good morning. A dog, please.", "a dog"),
        ("Could you draw some yarn, dear?", "some yarn"),
        ("a butterfly, orange", "an orange butterfly"),
        ("pls a dog and a hat lol", "a dog and a hat"),
        ("Dog, black", "black dog"),
        ("dog (brown!!) & owl", "brown dog & owl"),
        ("a dog, black, on a boat", "a black dog, on a boat"),
        ("an owl for my wife, with a hat in front", "a hat in front of an owl"),
        ("flat style: a dog", "a dog, flat style"),
        ("#cute #dog a dog", "a dog"),
        ("a dog and nothing else", "a dog"),
    ],
)
def test_what_is_around_a_picture_that_is_wanted_is_left_out(request_: str, prompt: str) -> None:
    assert ruled(request_).prompt.lower() == prompt


@pytest.mark.parametrize("request_", ["undo", "make it blue", "go back to the first one"])
def test_what_changes_a_picture_is_refused_where_there_is_none(request_: str) -> None:
    with pytest.raises(UserError, match="this conversation has none"):
        ruled(request_)
