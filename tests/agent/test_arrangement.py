"""Counts and positions on pictograms."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from imagerag.agent.arrangement import bundled_arrangement, counts_of, left_out, relation_features, where
from imagerag.agent.registry import load_critic
from imagerag.assets.library import bundled_library
from imagerag.embedders.window_evidence import FINE, windows
from imagerag.prompt_grammar.parser import parse_scene

TEN = "a dog, a cat, an owl, a fox, a bear, a pig, a cow, a hat, a bus and a banana"
BOXES = windows((128, 128), FINE)


def seen_at(x: float, y: float, side: float) -> NDArray[np.float32]:
    """Return the likenesses of a thing in the square about (x, y), all as shares."""
    shares = np.array(BOXES, np.float64) / 128
    middle = np.stack([shares[:, ::2].mean(1), shares[:, 1::2].mean(1)], axis=1)
    far = np.abs(middle - (x, y)).max(axis=1) + np.abs(shares[:, 2] - shares[:, 0] - side)
    return (1 - far).astype(np.float32)


def page(*things: tuple[str, int, int, int]) -> Image.Image:
    """Paste pictures of the library, each with left, top and side in pixels."""
    library, image = bundled_library(), Image.new("RGB", (128, 128), "white")
    for name, left, top, side in things:
        picture = library.image(library.by_concept[name][0]).resize((side, side))
        image.paste(picture, (left, top), picture)
    return image


def test_a_thing_is_where_the_windows_that_look_like_it_are() -> None:
    x, y, _ = where(seen_at(0.25, 0.75, 0.4), BOXES)
    assert (x, y) == pytest.approx((0.25, 0.75), abs=0.1)
    right, below, larger, *_ = relation_features(seen_at(0.75, 0.25, 0.55), seen_at(0.25, 0.75, 0.4), BOXES)
    assert right > 0.2 > -0.2 > below
    assert larger > 0


def test_what_is_asked_for() -> None:
    assert counts_of(parse_scene("12 balloons and two cakes", {"balloon", "cake"})) == {"balloon": 12, "cake": 2}
    assert left_out(parse_scene(TEN)) == ["a banana"]


@pytest.mark.parametrize(
    ("asked", "right"),
    [
        ("a banana to the left of an octopus", True),
        ("a banana to the right of an octopus", False),
        ("a banana above an octopus", False),
        ("a banana behind an octopus", False),
        ("a banana next to an octopus", True),
    ],
)
def test_the_critic_judges_positions(asked: str, right: bool) -> None:
    shown = page(("banana", 4, 36, 56), ("octopus", 68, 36, 56))
    (verdict,) = load_critic("clip").judge([shown], asked)
    assert [score["present"] for score in verdict["concepts"] if score["kind"] == "position"] == [right]
    assert verdict["satisfied"] is right


@pytest.mark.parametrize(("asked", "right"), [("above", True), ("behind", False)])
def test_positions_to_what_only_kinds_of_it_are_pictured(asked: str, right: bool) -> None:
    shown = page(("dog", 36, 4, 52), ("evergreen tree", 36, 68, 56))
    (verdict,) = load_critic("clip").judge([shown], f"a dog {asked} a tree")
    assert [score["present"] for score in verdict["concepts"] if score["kind"] == "position"] == [right]
    assert verdict["satisfied"] is right


def test_that_there_is_no_background_is_judged() -> None:
    critic, shown = load_critic("clip"), page(("banana", 20, 20, 90))
    black = Image.new("RGB", (128, 128), "black")
    black.paste(shown.crop((20, 20, 110, 110)), (20, 20))
    for image, right in ((shown, True), (black, False)):
        (verdict,) = critic.judge([image], "a banana, no background")
        assert [(s["concept"], s["present"]) for s in verdict["concepts"] if s["kind"] == "absence"] == [
            ("no background", right)
        ]


def test_the_critic_judges_counts() -> None:
    two = page(("banana", 4, 36, 56), ("banana", 68, 36, 56))
    critic = load_critic("clip")
    for asked, right in (("two bananas", True), ("four bananas", False), ("nine bananas", False)):
        (verdict,) = critic.judge([two], asked)
        (score,) = [score for score in verdict["concepts"] if score["kind"] == "count"]
        assert (score["concept"].split()[1], score["present"]) == ("bananas", right)


def test_the_critic_counts_up_to_nine() -> None:
    six = [("banana", left, top, 46) for left in (0, 39, 79) for top in (22, 79)]
    beside = [("octopus", 2, 0, 40), *(("banana", left, top, 40) for left in (2, 43, 84) for top in (43, 86))]
    critic = load_critic("clip")
    for shown, asked, right in (
        (six, "six bananas", True),
        (six, "nine bananas", False),
        (six, "three bananas", False),
        (six, "twelve bananas", False),
        (beside, "an octopus and six bananas", True),
        (beside, "an octopus and eight bananas", False),
    ):
        (verdict,) = critic.judge([page(*shown)], asked)
        (score,) = [score for score in verdict["concepts"] if score["kind"] == "count"]
        assert (score["present"], asked) == (right, asked)


def test_what_did_not_fit_is_never_there() -> None:
    (verdict,) = load_critic("clip").judge([page(("banana", 0, 0, 128))], TEN)
    assert "a banana" in verdict["missing"]


def test_probabilities_add_up() -> None:
    features = relation_features(seen_at(0.2, 0.5, 0.5), seen_at(0.8, 0.5, 0.5), BOXES)
    found = bundled_arrangement().relations.probabilities(features)
    assert sum(found.values()) == pytest.approx(1)
    assert max(found, key=lambda kind: found[kind]) == "left of"
