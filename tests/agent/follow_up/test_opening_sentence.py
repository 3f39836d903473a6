"""First requests that tell of a picture in one sentence."""

import pytest

from imagerag.agent.follow_up.opening_sentence import told_plainly

NAMES = {"dog", "cat", "egg", "hot dog", "stand", "car", "stamp", "apple", "orange", "star", "robot", "bird"}


def _told(request: str, *, talk_only: bool = False) -> str | None:
    words = told_plainly(request.split(), NAMES, NAMES, talk_only=talk_only)
    return None if words is None else " ".join(words)


@pytest.mark.parametrize(
    ("request_", "scene"),
    [
        ("the hero of my story is a dog .", "a dog"),
        ("the star of my book is a dog", "a dog"),
        ("our main character is a robot", "a robot"),
        ("my picture has a guitar in it", "a guitar"),
        ("our poster needs a star and a dog", "a star and a dog"),
        ("in my drawing there is a cat", "a cat"),
        ("we need a poster for sports day with a ball and a cat on it", "we need a ball and a cat"),
        ("a card for my mum with a star on it", "a star"),
        ("a pan with eggs , never mind , just an egg", "an egg"),
        ("a cat and a dog , oh no , just the dog", "the dog"),
        ("an apple and a cat . actually just the cat", "the cat"),
        ("long ago a knight lived in a castle", "a knight lived in a castle"),
        ("millions of years ago a dog sat there", "a dog sat there"),
        ("early in the morning a dog sat on a log", "a dog sat on a log"),
        ("late at night an owl sat on a log .", "an owl sat on a log at night"),
        ("one day , a fox found a hat", "a fox found a hat"),
        ("dog egg car", "dog , egg , car"),
        ("apple cat orange", "apple , cat , orange"),
        ("red car blue car", "red car , blue car"),
        ("two dogs three cats", "two dogs , three cats"),
        ("dog cat", "dog , cat"),
    ],
)
def test_what_frames_a_scene_is_left_out(request_: str, scene: str) -> None:
    assert _told(request_) == scene


@pytest.mark.parametrize(
    "request_",
    [
        "a dog and a cat",
        "robot dog",
        "hot dog stand",
        "big red dog",
        "orange cat",
        "a stamp for a letter with a star",
        "a poster with a tree",
        "my dog has a ball",
        "a dog , no cat",
        "at night a fox",
        "the star of the show",
        "once bitten",
    ],
)
def test_a_scene_stays_as_it_is(request_: str) -> None:
    assert _told(request_) is None


def test_prompts_for_real_models_keep_times_and_rows() -> None:
    assert _told("long ago a knight lived in a castle", talk_only=True) is None
    assert _told("red car blue car", talk_only=True) is None
    assert _told("the hero of my story is a dog", talk_only=True) == "a dog"
