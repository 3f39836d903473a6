"""What else things are called."""

import pytest

from imagerag.agent.follow_up.keywords import is_animate, may_be_called
from testing.follow_ups import changed


@pytest.mark.parametrize(
    ("phrase", "name"), [("jack-o-lantern", "pumpkin"), ("owl", "bird"), ("tv", "television"), ("mage", "wizard")]
)
def test_a_thing_may_be_called_by_its_keywords(phrase: str, name: str) -> None:
    assert may_be_called(phrase, name)


@pytest.mark.parametrize(
    ("phrase", "name"), [("cactus", "desert"), ("sunflower", "sun"), ("owl", "cat"), ("key", "lock")]
)
def test_it_is_not_called_by_a_place_or_another_thing(phrase: str, name: str) -> None:
    assert not may_be_called(phrase, name)


def test_somebody_is_he_or_she() -> None:
    assert [name for name in ("dog", "prince", "castle", "rose") if is_animate(name)] == ["dog", "prince"]


@pytest.mark.parametrize(
    ("request_", "prompt", "result"),
    [
        ("make the bird red", "an owl and a tree", "a red owl and a tree"),
        ("he should be red", "a castle and a lion", "a castle and a red lion"),
        ("give her a crown", "a girl and a lion", "a girl wearing a crown and a lion"),
        ("give him a crown", "a girl and a lion", "a girl and a lion wearing a crown"),
        ("add a bird", "an owl", "an owl and a bird"),
    ],
)
def test_what_is_spoken_of_is_found_by_them(request_: str, prompt: str, result: str) -> None:
    assert changed(request_, prompt) == result
