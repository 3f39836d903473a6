"""Scenes of known truth, to measure a judge by: library pictures pasted on plain backgrounds.

Half of the scenes show the concept in question; in the other half a near neighbour of it is drawn in its stead (a goose
for a duck), so that a judge that only knows "some bird" fails.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from imagerag.assets.library import Library
from imagerag.embedders.clip import load_embedder
from imagerag.prompt_grammar.vocabulary import COLOURS
from testing.painting import painted

if TYPE_CHECKING:
    from PIL import Image

    from imagerag.evaluation.evaluator import Evaluator

SIDE = 128
COUNT = 1200
CONCRETE = ("animals and nature", "food and drink", "travel and places", "activities", "objects")
NEIGHBOURS = 5
COLOUR_WORDS = frozenset(re.findall(r"\w+", " ".join(COLOURS))) | {"grey", "rainbow"}
"""Words of names that say their own colour: a red heart is no blue heart."""
NAMED = ("red", "blue", "green", "yellow", "purple", "orange", "pink")
"""The colours that the suite's prompts name."""
COLOURED_COUNT = 120
"""Scenes with a thing in one of them: each takes several times as long to judge."""
MOST_COVERED = 0.3  # a concept that is covered by more than this is neither clearly there nor clearly absent


class Composite(NamedTuple):
    """One scene and one question about it."""

    image: Image.Image
    concept: str
    present: bool
    objects: tuple[str, ...]
    colour: str = ""


@dataclass(frozen=True)
class Report:
    """A judge's errors; rates in 0..1, false positives and negatives as shares of the absent and the present."""

    count: int
    accuracy: float
    false_positive: float
    false_negative: float


def _words(name: str) -> set[str]:
    return {word.rstrip("s") for word in name.replace("-", " ").split()}


@lru_cache(maxsize=1)
def neighbours() -> dict[str, tuple[str, ...]]:
    """For each concrete concept the most similar others by name; not "black cat" for "cat": they share a word."""
    library = Library()
    names = [
        concept.name
        for concept in library.concepts
        if concept.category in CONCRETE and not re.search("o'clock|-thirty", concept.name)  # hands of 2 pixels
    ]
    vectors = load_embedder("embedded").embed_texts(names)
    similarity = vectors @ vectors.T
    words = [_words(name) for name in names]
    found = {}
    for i, name in enumerate(names):
        order = [int(j) for j in np.argsort(-similarity[i]) if not words[i] & words[int(j)]]
        found[name] = tuple(names[j] for j in order[:NEIGHBOURS])
    return found


def _background(rng: random.Random) -> Image.Image:
    from PIL import Image as pil

    def colour() -> tuple[int, int, int]:
        low = rng.choice((0, 150))
        return (rng.randint(low, 255), rng.randint(low, 255), rng.randint(low, 255))

    kind = rng.random()
    if kind < 0.4:
        return pil.new("RGB", (SIDE, SIDE), "white")
    if kind < 0.8:
        return pil.new("RGB", (SIDE, SIDE), colour())
    mask = pil.linear_gradient("L").resize((SIDE, SIDE)).rotate(rng.choice((0, 90, 180, 270)))
    return pil.composite(pil.new("RGB", (SIDE, SIDE), colour()), pil.new("RGB", (SIDE, SIDE), colour()), mask)


def _spots(count: int, rng: random.Random) -> list[tuple[float, float, float]]:
    """Centre and size (shares of the side) of each object: a loose layout, in which neighbours may overlap a little."""
    if count == 1:
        size = rng.uniform(0.4, 1.0)
        slack = (1 - size) / 2
        return [(0.5 + rng.uniform(-slack, slack), 0.5 + rng.uniform(-slack, slack), size)]
    if count == 2:
        a, b = rng.uniform(0.42, 0.62), rng.uniform(0.42, 0.62)
        line = [(0.28, 0.5, a), (0.72, 0.5, b)]
        if rng.random() < 0.5:
            line = [(y, x, size) for x, y, size in line]
    else:
        line = [(x, y, rng.uniform(0.36, 0.52)) for x in (0.27, 0.73) for y in (0.27, 0.73)]
        rng.shuffle(line)
        line = line[:count]
    return [(x + rng.uniform(-0.04, 0.04), y + rng.uniform(-0.04, 0.04), size) for x, y, size in line]


def draw(library: Library, objects: tuple[str, ...], rng: random.Random, colour: str = "") -> tuple[Image.Image, float]:
    """Draw the objects, the first in that colour; return the scene and how much of the first one is covered, 0..1."""
    from PIL import Image as pil

    scene = _background(rng)
    spots = _spots(len(objects), rng)
    order = list(range(len(objects)))
    rng.shuffle(order)
    first = np.zeros((SIDE, SIDE), bool)
    covered = np.zeros((SIDE, SIDE), bool)
    for number in order:
        x, y, size = spots[number]
        pixels = max(8, round(size * SIDE))
        picture = library.image(rng.choice(library.by_concept[objects[number]]))
        if colour and number == 0:
            picture = painted(picture, colour)
        picture = picture.resize((pixels, pixels), pil.Resampling.BILINEAR)
        layer = pil.new("RGBA", (SIDE, SIDE))
        layer.paste(picture, (round(x * SIDE - pixels / 2), round(y * SIDE - pixels / 2)))
        scene.paste(layer, mask=layer.getchannel("A"))
        solid = np.asarray(layer.getchannel("A")) > 127
        if number == 0:
            first = solid
        else:
            covered = (covered | solid) if first.any() else covered
    return scene, float((first & covered).sum() / max(1, first.sum()))


def composites(
    half: Literal["dev", "test"], count: int = COUNT, seed: int = 20, *, coloured: bool = False
) -> Iterator[Composite]:
    """Yield scenes, the same on every machine. `dev` calibrates, `test` reports; they share no scene.

    Args:
        half: of the scenes.
        count: of them.
        seed: of the chance in them.
        coloured: what is asked for, or drawn in its stead, is painted in one of the named colours; no concepts whose
            names say their colour.
    """
    library = Library()
    near = neighbours()
    if coloured:
        plain = {name for name in near if not COLOUR_WORDS & set(name.split())}
        left = {name: tuple(one for one in near[name] if one in plain) for name in plain}
        near = {name: others for name, others in left.items() if others}
    names = sorted(near)
    rng = random.Random(f"{seed} {half} coloured" if coloured else f"{seed} {half}")
    made = 0
    while made < count:
        concept = rng.choice(names)
        present = made % 2 == 0
        first = concept if present else rng.choice(near[concept])
        others = [rng.choice(names) for _ in range(rng.choice((0, 0, 1, 1, 2, 3)))]
        if any(_words(concept) & _words(other) for other in others):
            continue  # houses beside the goose: is there a house?
        colour = rng.choice(NAMED) if coloured else ""
        image, covered = draw(library, (first, *others), rng, colour)
        if covered <= MOST_COVERED:
            made += 1
            yield Composite(image, concept, present, (first, *others), colour)


def measure(
    evaluator: Evaluator,
    half: Literal["dev", "test"],
    count: int = COUNT,
    *,
    coloured: bool = False,
    told: bool = True,
) -> Report:
    """Ask the judge about every composite.

    Args:
        evaluator: the judge.
        half: of the scenes.
        count: of them.
        coloured: what is asked for has a colour that need not be its own.
        told: the judge is told which colour.
    """
    right, false_positive, false_negative, present = 0, 0, 0, 0
    for scene in composites(half, count, coloured=coloured):
        answer = evaluator.present(scene.image, scene.concept, scene.colour if told else "")
        right += answer == scene.present
        present += scene.present
        false_positive += answer and not scene.present
        false_negative += scene.present and not answer
    return Report(count, right / count, false_positive / max(1, count - present), false_negative / max(1, present))
