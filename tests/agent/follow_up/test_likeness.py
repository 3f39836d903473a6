"""What a new thing is most like."""

from imagerag.agent.follow_up.edit import Edit
from imagerag.agent.follow_up.likeness import most_alike
from testing.follow_ups import NAMES, changed


def test_a_new_thing_is_like_what_is_of_its_kind() -> None:
    edit = Edit.of("a castle and a dog", NAMES, NAMES)
    assert most_alike(edit, "cat") == 1
    assert most_alike(Edit.of("a dog and a lion", NAMES, NAMES), "zzz") is None


def test_what_is_wanted_instead_takes_the_place_of_its_like() -> None:
    assert changed("i'd prefer a cat", "a dog in front of a castle") == "a cat in front of a castle"
