"""How shots, sides and times of day show in a layout."""

import pytest

from imagerag.generators.framing import framed, sky
from imagerag.generators.layout import Place, arrange
from imagerag.prompt_grammar.parser import parse_scene


@pytest.mark.parametrize(
    ("modifiers", "place"),
    [
        ((), (0.0, 0.0, 1.0)),
        (("85mm lens",), (0.0, 0.0, 1.0)),
        (("wide shot",), (0.15, 0.15, 0.7)),
        (("close-up",), (-0.125, -0.125, 1.25)),
        (("on the left",), (0.0, 0.2, 0.6)),
        (("in the bottom right corner",), (0.4, 0.4, 0.6)),
    ],
)
def test_places_follow_the_words(modifiers: tuple[str, ...], place: tuple[float, float, float]) -> None:
    (found,) = framed([Place(0, 0.0, 0.0, 1.0)], modifiers)
    assert (found.x, found.y, found.side) == pytest.approx(place)


@pytest.mark.parametrize(("text", "side"), [("a dog on the left", 0.6), ("a dog, wide shot", 0.7), ("a dog", 1.0)])
def test_prompts_say_them(text: str, side: float) -> None:
    assert arrange(parse_scene(text))[0].side == pytest.approx(side)


def test_times_of_day_have_a_sky() -> None:
    assert sky(["at night"]) == "navy"
    assert sky(["85mm lens"]) is None
