"""How many of a thing there are and where they stand, on windows that are known to show them."""

import numpy as np
import pytest
from numpy.typing import NDArray

from imagerag.agent.arrangement import bundled_arrangement, count_features, counts_of, left_out, where
from imagerag.embedders.window_evidence import FINE, windows
from imagerag.prompt_grammar.parser import parse_scene

SIZE = (256, 256)
BOXES = windows(SIZE, FINE)


def seen_at(*places: tuple[float, float]) -> NDArray[np.float32]:
    """Return likenesses of a thing at these places, as shares of the image: small windows about them show it best."""
    likeness = np.full(len(BOXES), 0.2, np.float32)
    for at, (left, top, right, bottom) in enumerate(BOXES):
        middle = np.array([(left + right) / 2 / SIZE[0], (top + bottom) / 2 / SIZE[1]])
        away = min(float(np.hypot(*(middle - place))) for place in places)
        likeness[at] += 0.7 * np.exp(-8 * away) * (1 - 0.5 * (right - left) / SIZE[0])
    return likeness


def test_a_thing_is_where_windows_look_like_it() -> None:
    x, y, side = where(seen_at((0.25, 0.7)), BOXES)
    assert x == pytest.approx(0.3, abs=0.12)
    assert y == pytest.approx(0.65, abs=0.12)
    assert 0 < side < 1


def test_the_side_that_is_asked_for_is_told_from_the_other() -> None:
    likeness = {"cat": seen_at((0.2, 0.5)), "dog": seen_at((0.8, 0.5))}
    right, wrong = (
        bundled_arrangement().scores(parse_scene(f"a cat {side} of a dog"), likeness, BOXES)[0]
        for side in ("left", "right")
    )
    assert right["kind"] == wrong["kind"] == "position"
    assert right["present"]
    assert not wrong["present"]


def test_things_without_pictures_are_not_judged() -> None:
    assert bundled_arrangement().scores(parse_scene("two cats to the left of a dog"), {}, BOXES) == []


def test_more_than_a_scene_holds_are_counted_and_never_there() -> None:
    scene = parse_scene("nine cats")
    assert counts_of(scene) == {"cat": 9}
    assert left_out(scene) == []
    (score,) = bundled_arrangement().scores(scene, {"cat": seen_at((0.5, 0.5))}, BOXES)
    assert (score["kind"], score["present"], score["score"]) == ("count", False, 0.0)


def test_two_places_tell_more_than_one() -> None:
    one = count_features(seen_at((0.25, 0.25)), BOXES, others=False)
    two = count_features(seen_at((0.25, 0.25), (0.75, 0.75)), BOXES, others=False)
    assert sum(two) > sum(one)
