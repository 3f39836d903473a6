"""Where in the picture each reference belongs, where the prompt says so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from imagerag.generators.layout import arrange
from imagerag.prompt_grammar.parser import parse_scene

SPATIAL = frozenset({"above", "below", "left of", "right of", "on", "in front of", "behind", "inside"})
"""Relations that say where; of all others ("and", "with", "wearing") nothing is known."""


class Box(NamedTuple):
    """A part of the picture, edges in shares of its width and height, 0..1."""

    left: float
    top: float
    right: float
    bottom: float

    def joined(self, other: Box) -> Box:
        """Return the smallest box around both."""
        return Box(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )

    def rows(self, height: int) -> slice:
        """The rows of a mask of this height; at least one."""
        return _part(self.top, self.bottom, height)

    def columns(self, width: int) -> slice:
        """The columns of a mask of this width; at least one."""
        return _part(self.left, self.right, width)


EVERYWHERE = Box(0, 0, 1, 1)


def regions(prompt: str, concepts: Sequence[str]) -> list[Box] | None:
    """Return a box for each concept; ``None`` where the prompt doesn't say where they are.

    Args:
        prompt: what is drawn.
        concepts: of the references, in their order; several may stand for one.
    """
    scene = parse_scene(prompt)
    if len(set(concepts)) < 2 or not any(relation.kind in SPATIAL for relation in scene.relations):
        return None
    boxes: dict[str, Box] = {}
    for place in arrange(scene):
        phrase = scene.objects[place.index].phrase
        box = Box(place.x, place.y, place.x + place.side, place.y + place.side)
        boxes[phrase] = boxes[phrase].joined(box) if phrase in boxes else box
    if not all(concept in boxes for concept in concepts):
        return None
    return [boxes[concept] for concept in concepts]


def _part(start: float, end: float, size: int) -> slice:
    first = min(int(start * size), size - 1)
    return slice(first, max(round(end * size), first + 1))
