"""What of a request a reading leaves out although it matters."""

import pytest

from imagerag.agent.follow_up.coverage import denied, denies, left_out, points_elsewhere
from imagerag.agent.follow_up.edit import Edit
from testing.follow_ups import NAMES

ENGLISH = frozenset(["perch", "behind", "wheel", "eyes", "looks", "give", "bring", "make", "forgot", "instead"])


@pytest.mark.parametrize(
    ("request_", "left"),
    [
        ("perch an owl on his shoulder", []),
        ("give him a friend , a cat", []),
        ("perch an owl on the dog and flubber it", ["flubber"]),
        ("put a cat behind the wheel", ["wheel"]),
        ("give it blue eyes", ["eyes"]),
        ("the dog looks odd", ["odd"]),
        ("bring the cat back", ["cat", "back"]),
        ("or maybe a cat", ["or"]),
        ("make the dog blue instead", []),
        ("make the dog breathe", ["breathe"]),
        ("glimmer on the dog", ["glimmer"]),
        ("stand on the dog", []),
    ],
)
def test_words_matter_that_nobody_knows_or_that_stand_where_a_noun_or_a_property_does(
    request_: str, left: list[str]
) -> None:
    edit = Edit.of("a dog", NAMES, NAMES)
    seen = [word for word in request_.split() if word != "breathe"]
    is_word = {*ENGLISH, "breathe"}.__contains__
    assert left_out(edit, request_.split(), lambda word: is_word(word) or len(word) < 6, seen) == left


def test_what_is_not_to_be_is_denied() -> None:
    assert denies("the dog shouldn't be red".split())  # noqa: SIM905
    assert not denies("the dog should be red".split())  # noqa: SIM905


@pytest.mark.parametrize(
    ("request_", "denied_"),
    [
        ("sorry not yellow , purple ones", {"yellow"}),
        ("it shouldn't be red but blue", {"be", "red"}),
        ("make it red", set()),
    ],
)
def test_what_is_denied_ends_where_something_else_is_said(request_: str, denied_: set[str]) -> None:
    assert denied(request_.split()) == denied_


@pytest.mark.parametrize(
    ("request_", "elsewhere"),
    [
        ("make the piano red", True),
        ("make the dog's scarf red", True),
        ("bring the cat back", True),
        ("or maybe a cat", True),
        ("perch an owl on the dog and flubber it", True),
        ("perch an owl on the dog", False),
        ("the dog could do with a scarf", False),
    ],
)
def test_what_is_not_there_is_spoken_of(request_: str, elsewhere: bool) -> None:
    edit = Edit.of("a dog wearing a hat", NAMES, NAMES)
    assert points_elsewhere(edit, request_.split(), lambda word: word != "flubber") is elsewhere
