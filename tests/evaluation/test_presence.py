"""Presence by judges that are not the critic: a network for things, the recorded layout for the rest."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from imagerag.assets.library import bundled_library
from imagerag.evaluation.presence import PictogramPresence, WrongReferences
from imagerag.evaluation.records import Concept, Drawing, SuitePrompt, UsedReference
from imagerag.store.manifest import KEYWORD

DRAWING = Drawing("agent", "p", 0, "1" * 64, 1, 24, 0, 0, 0.0, 1.0, "satisfied", 0.9, {}, ())


class SeesOwls:
    """An evaluator that sees an owl in every picture, and an axe only where a colour is named for it."""

    concepts, threshold = ("owl", "axe"), 0.0

    def __init__(self) -> None:
        self.asked = 0
        self.coloured: list[tuple[str, str]] = []

    def evidence(self, image: Image.Image) -> NDArray[np.float32]:
        self.asked += 1
        return np.array([1.0, -1.0], np.float32)

    def present(self, image: Image.Image, concept: str, colour: str) -> bool:
        self.coloured.append((concept, colour))
        return concept == "axe"


def sha_of(concept: str, of: str) -> str:
    library = bundled_library()
    return next(e.sha256 for e in (library.entries[row] for row in library.by_concept[concept]) if e.set == of)


def thing(
    phrase: str,
    box: Sequence[int] = (0, 0, 10, 10),
    depth: int = 0,
    colour: str | None = None,
    shown: tuple[str, str] | None = None,
) -> dict[str, Any]:
    concept, of = shown or (phrase, "noto")
    example = {"concept": phrase, "set": "retrieved", "weight": 1.0, "reference": True, "sha256": sha_of(concept, of)}
    return {"phrase": phrase, "box": list(box), "colour": colour, "depth": depth, "examples": [example]}


def image_of(*objects: dict[str, Any], recorded: bool = True) -> Image.Image:
    image = Image.new("RGB", (8, 8))
    facts = {"objects": list(objects)} if recorded else {"steps": 4}
    image.info[KEYWORD] = json.dumps({"facts": facts})
    return image


def seen(concept: Concept, image: Image.Image) -> float | None:
    measured = PictogramPresence(SeesOwls()).measure(DRAWING, SuitePrompt("p", "p", (concept,)), image)  # type: ignore[arg-type]
    assert measured.parts.get(concept.text) == measured.value
    return measured.value


def test_a_thing_is_what_the_network_sees_whatever_the_layout_says() -> None:
    assert seen(Concept("owl"), image_of(thing("axe"))) == 1.0
    assert seen(Concept("axe"), image_of(thing("axe"))) == 0.0


def test_a_thing_that_a_colour_is_named_for_is_looked_for_in_that_colour() -> None:
    blue = Concept("blue axe", "colour", thing="axe", value="blue")
    prompt = SuitePrompt("p", "a blue axe beside an owl", (Concept("axe"), blue, Concept("owl")))
    judge = SeesOwls()
    metric = PictogramPresence(judge)  # type: ignore[arg-type]
    for _ in range(2):  # another arm returned the same image
        measured = metric.measure(DRAWING, prompt, image_of(thing("axe", colour="red")))
        assert measured.parts == {"axe": 1.0, "blue axe": 0.0, "owl": 1.0}, "its colour is another question"
    assert (judge.coloured, judge.asked) == ([("axe", "blue")], 1)
    others = SuitePrompt("p", "a blue owl and an axe", (Concept("axe"), replace(blue, thing="owl")))
    assert metric.measure(DRAWING, others, image_of()).parts["axe"] == 0.0


def test_a_prompt_counts_when_all_of_it_is_there_and_parts_tell_which_is() -> None:
    prompt = SuitePrompt("p", "an owl and an axe", (Concept("owl"), Concept("axe")))
    measured = PictogramPresence(SeesOwls()).measure(DRAWING, prompt, image_of())  # type: ignore[arg-type]
    assert (measured.value, measured.parts) == (0.0, {"owl": 1.0, "axe": 0.0})


def test_what_can_not_be_judged_has_no_value() -> None:
    assert seen(Concept("kookaburra"), image_of()) is None  # which the network was never trained on
    count = Concept("two owls", "count", thing="owl", value="2")
    assert seen(count, image_of(recorded=False)) is None
    assert seen(count, Image.new("RGB", (8, 8))) is None


def test_the_same_image_is_looked_at_once() -> None:
    evaluator = SeesOwls()
    presence = PictogramPresence(evaluator)  # type: ignore[arg-type]
    for _ in range(3):
        presence.measure(DRAWING, SuitePrompt("p", "an owl", (Concept("owl"),)), image_of())
    assert evaluator.asked == 1


@pytest.mark.parametrize(("number", "there"), [(2, 1.0), (3, 0.0), (1, 0.0)])
def test_a_count_is_that_of_the_layout(number: int, there: float) -> None:
    concept = Concept("two owls", "count", thing="owl", value="2")
    assert seen(concept, image_of(*[thing("owl")] * number, thing("axe"))) == there


def test_a_colour_is_that_of_its_thing() -> None:
    concept = Concept("red owl", "colour", thing="owl", value="red")
    assert seen(concept, image_of(thing("owl", colour="red"), thing("axe", colour="blue"))) == 1.0
    assert seen(concept, image_of(thing("owl"), thing("axe", colour="red"))) == 0.0
    assert seen(concept, image_of(thing("axe", colour="red"))) == 0.0


def test_a_style_is_that_of_the_pictures_drawn_from_also_of_references() -> None:
    concept = Concept("3d style", "style", thing="owl", value="3d")
    assert seen(concept, image_of(thing("owl", shown=("owl", "fluent")))) == 1.0
    assert seen(concept, image_of(thing("owl", shown=("owl", "twemoji")))) == 0.0


def test_an_absence_heeds_what_a_reference_really_shows() -> None:
    concept = Concept("no dog", "absence", thing="dog")
    assert seen(concept, image_of(thing("owl"))) == 1.0
    assert seen(concept, image_of(thing("owl"), thing("dog"))) == 0.0
    assert seen(concept, image_of(thing("owl", shown=("dog", "noto")))) == 0.0


LEFT, RIGHT, LOW = (0, 0, 10, 10), (20, 0, 30, 10), (0, 20, 10, 30)


@pytest.mark.parametrize(
    ("relation", "first", "second", "there"),
    [
        ("left of", thing("owl", LEFT), thing("axe", RIGHT), 1.0),
        ("left of", thing("owl", RIGHT), thing("axe", LEFT), 0.0),
        ("right of", thing("owl", RIGHT), thing("axe", LEFT), 1.0),
        ("above", thing("owl", LEFT), thing("axe", LOW), 1.0),
        ("below", thing("owl", LEFT), thing("axe", LOW), 0.0),
        ("below", thing("owl", LOW), thing("axe", LEFT), 1.0),
        ("in front of", thing("owl", LEFT, 1), thing("axe", LEFT, 0), 1.0),
        ("in front of", thing("owl", LEFT, 0), thing("axe", LEFT, 1), 0.0),
        ("behind", thing("owl", LEFT, 0), thing("axe", (5, 5, 15, 15), 1), 1.0),
        ("behind", thing("owl", LEFT, 0), thing("axe", RIGHT, 1), 0.0),  # beside it
    ],
)
def test_a_place_is_that_of_the_boxes(
    relation: str, first: dict[str, Any], second: dict[str, Any], there: float
) -> None:
    concept = Concept(f"owl {relation} axe", "relation", thing="owl", value=relation, other="axe")
    assert seen(concept, image_of(first, second)) == there
    assert seen(concept, image_of(first)) == 0.0


def test_wrong_references_are_those_that_show_what_nobody_asked_for() -> None:
    used = tuple(UsedReference("owl", "an owl", "x", sha_of(name, "noto"), 0.5) for name in ("owl", "dog", "bird"))
    drawing = Drawing(**{**vars(DRAWING), "references": used})
    prompt = SuitePrompt("p", "an owl", (Concept("owl"),), accepted=("bird",))
    measured = WrongReferences().measure(drawing, prompt, image_of())
    assert measured.value == pytest.approx(1 / 3)
    assert measured.parts == {"owl": 0.0, "dog": 1.0, "bird": 0.0}
    assert WrongReferences().measure(DRAWING, prompt, image_of()).value is None
    elsewhere = Drawing(**{**vars(DRAWING), "references": (UsedReference("owl", "an owl", "x", "2" * 64, 0.5),)})
    assert WrongReferences().measure(elsewhere, prompt, image_of()).value is None
