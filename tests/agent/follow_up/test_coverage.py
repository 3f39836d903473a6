"""What of a request a reading leaves out although it matters."""

import pytest

from imagerag.agent.follow_up.coverage import denies, left_out
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
        ("knight on the dog", ["knight"]),
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
