"""Talk is answered from the record."""

import pytest

from imagerag.agent.follow_up.talk import answer, kind_of_talk
from imagerag.agent.protocols import PastImage
from testing.follow_ups import read

IMAGE = PastImage(
    "image-2", "a dog wearing a crown", 1, seed=7, score=0.5, present=("dog",), missing=("crown",),
    references=("crown",), drawings=2, ending="redrawing no longer made it better",
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "kind", "says"),
    [
        ("thanks", "thanks", "image-2 stays as it is"),
        ("what did you draw", "what", "'a dog wearing a crown'"),
        ("why", "why", "it misses crown. The run ended there because redrawing no longer made it better."),
        ("how many tries did it take", "tries", "It took 2 drawings to get to image-2."),
        ("which references did you use", "references", "image-2 was drawn with crown."),
        ("which seed", "seed", "drawn with seed 7"),
        ("i don't like it", "dislike", "it misses crown"),
        ("hi", "greeting", "'a dog wearing a crown'"),
        ("bye", "bye", "are kept"),
        ("help", "help", "You can say"),
    ],
)
def test_answers(text: str, kind: str, says: str) -> None:
    assert kind_of_talk(text) == kind
    assert says in answer(kind, IMAGE)


@pytest.mark.parametrize(
    "request_", ["lol", "thumbs up", "k", "muchas gracias", "You've been very helpful, goodbye!", "what is pixel art?"]
)
def test_talk_leaves_the_picture_as_it_is(request_: str) -> None:
    brief = read(request_)
    assert (brief.prompt, brief.base) == ("a dog", "image-1")
    assert brief.answer


def test_a_request_that_begins_like_talk_is_read() -> None:
    assert read("thanks, now make it red").prompt == "a red dog"
