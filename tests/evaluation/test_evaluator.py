"""The network that judges evaluations on pictograms; `python -m benchmarks.evaluator` tells its errors."""

import pytest

from imagerag.assets.library import bundled_library
from imagerag.evaluation.evaluator import Evaluator
from imagerag.store.png import on_white
from testing.painting import painted

THINGS = (("axe", "hammer"), ("lobster", "crab"), ("owl", "eagle"), ("umbrella", "kite"))
COLOURS = ("blue", "green", "purple", "yellow")


def test_it_sees_what_a_picture_shows_and_nothing_else_of_the_kind() -> None:
    library, evaluator = bundled_library(), Evaluator()
    assert set(evaluator.concepts) >= set(library.lacking())
    for name, other in (("axe", "hammer"), ("lobster", "crab")):
        picture = on_white(library.image(library.by_concept[name][0]))
        assert evaluator.present(picture, name)
        assert not evaluator.present(picture, other)


@pytest.mark.slow
def test_a_thing_that_a_colour_is_named_for_is_seen_in_other_colours_than_its_own() -> None:
    """Without a picture of another thing in that colour being taken for it."""
    library, evaluator = bundled_library(), Evaluator()
    untold = told = mistaken = 0
    for (name, other), colour in zip(THINGS, COLOURS, strict=True):
        picture = on_white(painted(library.image(library.by_concept[name][0]), colour))
        untold += evaluator.present(picture, name)
        told += evaluator.present(picture, name, colour)
        mistaken += evaluator.present(picture, other, colour)
    assert (untold, told, mistaken) == (0, len(THINGS), 0)
