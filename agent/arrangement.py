"""How many of a thing a pictogram shows, and how two things stand to each other: read off the windows of CLIP.

Where a thing is, is the mean of all windows, weighted by how much each looks like pictures of it. Two logistic
regressions, fitted by ``training.fit_arrangement`` on drawings of known layout, say what places and sizes mean.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imagerag.assets import asset
from imagerag.embedders.window_evidence import Box
from imagerag.prompt_grammar.inflection import plural
from imagerag.prompt_grammar.noun_phrase import MAX_INSTANCES
from imagerag.prompt_grammar.scene import MORE, Relation, Scene
from imagerag.prompt_grammar.vocabulary import RELATION_WORDS, RelationKind
from imagerag.records import ConceptKind, ConceptScore

SHARPNESS = 15.0
"""Multiplies likenesses before the softmax over windows: of 15, 30, 60 and 120 the one by which positions of drawings
on the development half were told best."""
RELATIONS: tuple[RelationKind, ...] = (
    "left of", "right of", "above", "below", "on", "in front of", "behind", "inside",
)  # fmt: skip
"""What is told apart. Beside is left or right."""
ALIKE: Mapping[RelationKind, tuple[RelationKind, ...]] = {
    "beside": ("left of", "right of"),
    "on": ("on", "above"),
    "above": ("above", "on"),
}
"""What counts as well: whether one thing touches the other that it is above, windows are too coarse to tell."""


class _Grid(NamedTuple):
    """How windows of one size are looked at for counting.

    Attributes:
        side: of the windows, as a share of the image's.
        apart: distance of two windows' centres, as a share of the image, from which on they may show two things.
        most: how many there are at that distance.
        alike: shares of the best likeness above which windows at that distance are counted.
    """

    side: float
    apart: float
    most: int
    alike: tuple[float, ...]


_GRIDS = (
    _Grid(0.55, 0.29, 4, (0.75, 0.85)),
    _Grid(0.4, 0.29, 9, (0.65, 0.75, 0.85)),
    _Grid(0.25, 0.24, 12, (0.6, 0.7, 0.8, 0.9)),
)
"""Things of three rows of three stand 0.32 apart, two rows of four over something 0.2."""
_COVERED = (0.7, 0.85)
"""Shares of the best likeness above which windows are counted that may overlap."""


class Looks(NamedTuple):
    """How much the windows of an image look like things.

    Attributes:
        likeness: (windows,) by thing: the highest cosine of each window with a picture of it. Things without pictures
            are left out, and with them what is asked of them.
        boxes: of the windows; the first is the whole image.
    """

    likeness: Mapping[str, NDArray[np.float32]]
    boxes: Sequence[Box]


@dataclass(frozen=True)
class LogisticRegression:
    """A multinomial logistic regression.

    Attributes:
        classes: its outcomes.
        weights: (outcomes, features + 1); the last column is the bias.
        threshold: probability of what was asked for from which on it counts as so.
    """

    classes: tuple[str, ...]
    weights: NDArray[np.float64]
    threshold: float

    def probabilities(self, features: Sequence[float]) -> dict[str, float]:
        """Return the probability of each outcome."""
        logits = self.weights @ np.array([*features, 1.0])
        odds = np.exp(logits - logits.max())
        return dict(zip(self.classes, (odds / odds.sum()).tolist(), strict=True))


@dataclass(frozen=True)
class Arrangement:
    """What judges counts and positions on pictograms."""

    counts: LogisticRegression
    relations: LogisticRegression

    def counts_in(self, scene: Scene, looks: Looks) -> list[ConceptScore]:
        """Return a score for each count above one that a scene asks for.

        Args:
            scene: what was asked for.
            looks: at an image, with the windows of ``FINEST``.
        """
        scores = []
        others, related = len(scene.content_concepts()) > 1, bool(scene.relations)
        for thing, count in counts_of(scene).items():
            if count < 2 or thing not in looks.likeness:
                continue
            features = count_features(looks.likeness[thing], looks.boxes, others, related)
            # More than a scene holds are never drawn.
            probability = self.counts.probabilities(features)[str(count)] if count <= MAX_INSTANCES else 0.0
            scores.append(scored(f"{count} {plural(thing)}", "count", probability, self.counts.threshold))
        return scores

    def positions_in(self, scene: Scene, looks: Looks) -> list[ConceptScore]:
        """Return a score for each position that a scene asks for.

        Args:
            scene: what was asked for.
            looks: at an image, with the windows of ``FINE``.
        """
        scores: dict[str, ConceptScore] = {}
        for relation in scene.relations:
            first, second = (scene.objects[places[0]].phrase for places in (relation.subject, relation.anchor))
            wanted = ALIKE.get(relation.kind, (relation.kind,))
            if not is_position(relation) or first == second or not {first, second} <= looks.likeness.keys():
                continue
            features = relation_features(looks.likeness[first], looks.likeness[second], looks.boxes)
            found = self.relations.probabilities(features)
            name = f"{first} {RELATION_WORDS.get(relation.kind, relation.kind)} {second}"
            probability = sum(found[kind] for kind in wanted)
            scores[name] = scored(name, "position", probability, self.relations.threshold)
        return list(scores.values())


def is_counted(scene: Scene) -> bool:
    """Tell whether a scene asks for more than one of a thing."""
    return any(count > 1 for count in counts_of(scene).values())


def is_position(relation: Relation) -> bool:
    """Tell whether a relation says where something is; what a verb says may look in many ways."""
    return not relation.said and (relation.kind in RELATIONS or relation.kind in ALIKE)


def counts_of(scene: Scene) -> dict[str, int]:
    """Return how many of each thing are asked for, those that did not fit among them."""
    counts: dict[str, int] = {}
    for thing in scene.objects:
        counts[thing.phrase] = counts.get(thing.phrase, 0) + thing.count
    for words in scene.dropped:
        if found := MORE.fullmatch(words):
            counts[found[2]] = counts.get(found[2], 0) + int(found[1])
    return counts


def left_out(scene: Scene) -> list[str]:
    """Return things of which none fitted any more, in the prompt's words."""
    return [words for words in scene.dropped if not MORE.fullmatch(words)]


def relation_features(
    first: NDArray[np.float32], second: NDArray[np.float32], boxes: Sequence[Box]
) -> tuple[float, float, float, float, float]:
    """Return how far the first thing is to the right of and below the second, how much larger it is, and both sizes."""
    (x, y, side), (other_x, other_y, other_side) = where(first, boxes), where(second, boxes)
    return x - other_x, y - other_y, side - other_side, side, other_side


def where(likeness: NDArray[np.float32], boxes: Sequence[Box]) -> tuple[float, float, float]:
    """Return the middle of a thing, and the side of a window about it, as shares of the image's width and height."""
    weights = np.exp(SHARPNESS * (likeness - likeness.max()))
    x, y, side = (weights / weights.sum()) @ _shares(boxes)
    return float(x), float(y), float(side)


def count_features(likeness: NDArray[np.float32], boxes: Sequence[Box], others: bool, related: bool) -> list[float]:
    """Return what tells the number: how much windows apart from each other look like the thing, largest first.

    Args:
        likeness: (windows,).
        boxes: of the windows of ``FINEST``.
        others: whether other things are in the picture.
        related: whether it says how things stand to each other, and so where they are.
    """
    shares = _shares(boxes)
    best, found = float(likeness.max()), list[float]()
    for grid in _GRIDS:
        of_size = likeness[_of_size(shares, grid.side)]
        apart = _apart(likeness, shares, grid)
        found += [*(apart + [0.0] * grid.most)[: grid.most], float(of_size.max()), float(of_size.mean())]
        found += [sum(value > share * of_size.max() for value in apart) for share in grid.alike]
        found += [float(np.mean(of_size > share * best)) for share in _COVERED]
    found += [float(likeness[_of_size(shares, side)].max()) for side in (1.0, 0.75)]
    return [*found, float(others), float(related)]


def _of_size(shares: NDArray[np.float64], side: float) -> NDArray[np.intp]:
    return np.flatnonzero(np.abs(shares[:, 2] - side) < 0.03)


def _apart(likeness: NDArray[np.float32], shares: NDArray[np.float64], grid: _Grid) -> list[float]:
    """Return the likeness of windows of one size, the best first, each apart from all better ones."""
    of_size = _of_size(shares, grid.side)
    kept: list[int] = []
    for window in of_size[np.argsort(-likeness[of_size], kind="stable")]:
        if all(np.abs(shares[window, :2] - shares[other, :2]).max() >= grid.apart for other in kept):
            kept.append(int(window))
    return [float(likeness[window]) for window in kept]


def _shares(boxes: Sequence[Box]) -> NDArray[np.float64]:
    """Return (windows, 3): middle and side as shares of the image, which the first window is."""
    left, top, right, bottom = np.array(boxes, np.float64).T
    width, height = right[0], bottom[0]
    side = (right - left) / min(width, height)
    return np.stack([(left + right) / 2 / width, (top + bottom) / 2 / height, np.minimum(side, 1.0)], axis=1)


def scored(concept: str, kind: ConceptKind, probability: float, threshold: float) -> ConceptScore:
    """Return the score of a concept that counts as present from a probability, 0..1, on."""
    return {"concept": concept, "kind": kind, "present": probability >= threshold, "score": round(probability, 4)}


@lru_cache(maxsize=1)
def bundled_arrangement() -> Arrangement:
    """Return what was fitted for the embedded CLIP on pictograms: ``assets/clip/arrangement.json``.

    Raises:
        UserError: the file is missing.
    """
    data: dict[str, Any] = json.loads((asset("clip") / "arrangement.json").read_text(encoding="utf-8"))

    def regression(part: Mapping[str, Any]) -> LogisticRegression:
        return LogisticRegression(tuple(part["classes"]), np.array(part["weights"]), part["threshold"])

    return Arrangement(regression(data["counts"]), regression(data["relations"]))
