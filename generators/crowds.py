"""Many things on, over, before or behind others: in rows as wide as the picture, so that each is as large as can be.

Pictures of few things are laid out pair by pair instead, as they always were: replays draw them again.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from imagerag.prompt_grammar.scene import Scene

if TYPE_CHECKING:
    from imagerag.generators.layout import Place, Unit

    Row = list[Unit]

FEW, FEW_SINGLE = 4, 6
"""Things in a picture that is laid out pair by pair: where any is there twice, and where all differ."""
_IN_ONE_ROW = 4
_BEFORE_MANY = 0.36
"""Width of one thing that stands to many, as a share of the picture's."""
_WIDER = 1.5
"""How much wider many things are, at most, than the one that all of them meet."""


class _Stacking(NamedTuple):
    """How two groups stand of which one is above the other.

    Attributes:
        overlap: share of its side by which each thing of the subject lies over the edge of what it stands to.
        pitch: from one row of a group to the next, in sides: less than 1 where they cover each other.
        alone: width of one thing that many stand to, as a share of the picture's.
    """

    overlap: float
    pitch: float
    alone: float


_STACKED: dict[str, _Stacking] = {
    "above": _Stacking(0.0, 0.9, 0.8),
    "below": _Stacking(0.0, 0.9, 0.8),
    "on": _Stacking(0.4, 0.5, 0.95),
    "in front of": _Stacking(0.2, 0.5, 0.8),
    "behind": _Stacking(0.2, 0.5, 0.8),
}
_APART = ("above", "below")
_LOWER = ("below", "in front of")
"""Relations whose subject stands below the other group."""


def is_crowd(scene: Scene) -> bool:
    """Tell whether a scene holds more than is laid out pair by pair."""
    total = sum(thing.count for thing in scene.objects)
    return total > (FEW_SINGLE if total == len(scene.content_concepts()) else FEW)


def is_stacked(kind: str) -> bool:
    """Tell whether ``stacked`` knows a relation."""
    return kind in _STACKED


def columns(count: int) -> int:
    """Return how many of ``count`` things stand beside each other, where they stand in rows about as many."""
    return math.ceil(math.sqrt(count))


def beside(left: "Unit", right: "Unit", share: float) -> "Unit":
    """Put two units side by side, the left one as wide as that share of the whole."""
    return [
        *(place.within(0.0, (1 - share) / 2, share) for place in left),
        *(place.within(share, share / 2, 1 - share) for place in right),
    ]


def stacked(kind: str, subject: "Sequence[Unit]", anchor: "Sequence[Unit]") -> "Unit":
    """Lay out two groups, each in rows, so that every thing of the first stands so to one of the second.

    Of small things in two rows before a row of small ones, the outer ones may stand beside them.

    Args:
        kind: one that ``is_stacked`` knows.
        subject: its units, each measured in a square of its own.
        anchor: those of what it stands to.

    Returns:
        all places, in one square.
    """
    way = _STACKED[kind]
    first, second = _rows(subject, way.pitch, _BEFORE_MANY), _rows(anchor, way.pitch, way.alone)
    if kind not in _APART and len(anchor) > 1:
        first = _rows(_no_larger(subject, first, second), way.pitch, _BEFORE_MANY)
    elif kind not in _APART:
        first = _narrowed(first, second)
    upper, lower = (second, first) if kind in _LOWER else (first, second)
    above, below = [_figure(unit) for row in upper for unit in row], [_figure(unit) for row in lower for unit in row]
    if kind in _APART:
        down = max(one.y + one.side for one in above) - min(place.y for row in lower for unit in row for place in unit)
    elif kind in _LOWER:
        lowest = min(one.y + one.side for one in map(_figure, upper[-1]))
        down = lowest - max(one.y + way.overlap * one.side for one in below)
    else:
        highest = max(one.y for one in map(_figure, lower[0]))
        down = min(one.y + one.side * (1 - way.overlap) for one in above) - highest
    over, under = _flat(upper), [replace(place, y=place.y + down) for place in _flat(lower)]
    if kind == "on":
        over = _lifted(over, under)
    elif kind not in _APART:
        under = _lifted(under, over)
    return _fitted([*over, *under])


def _rows(units: "Sequence[Unit]", pitch: float, alone: float) -> "list[Row]":
    """Set units in one row or two, the back one first and no shorter, in the width 1; one thing is ``alone`` wide."""
    if len(units) == 1:
        return [[[place.within((1 - alone) / 2, 0.0, alone) for place in units[0]]]]
    if len(units) <= _IN_ONE_ROW:
        side = 1 / len(units)
        return [[[place.within(at * side, 0.0, side) for place in unit] for at, unit in enumerate(units)]]
    back = (len(units) + 1) // 2
    # Two rows of the same length stand half a thing apart, so that the front one leaves more of the back one free.
    apart = 0.5 if len(units) == 2 * back else 0.0
    side = 1 / (back + apart)
    height = max(_figure(unit).side for unit in units)
    rows: list[Row] = [[], []]
    for at, unit in enumerate(units):
        row, place_in_row = divmod(at, back)
        x = (place_in_row + row * (apart or 0.5)) * side
        rows[row].append([one.within(x, row * pitch * height * side, side, row) for one in unit])
    return rows


def _no_larger(units: "Sequence[Unit]", rows: "list[Row]", others: "list[Row]") -> "Sequence[Unit]":
    """Shrink units, about the middle of their lower edges, so that in their rows none hides one of the others."""
    most = min(_figure(unit).side for row in others for unit in row)
    largest = max(_figure(unit).side for row in rows for unit in row)
    share = min(most / largest, 1.0)
    return [[place.within((1 - share) / 2, 1 - share, share) for place in unit] for unit in units]


def _narrowed(rows: "list[Row]", other: "list[Row]") -> "list[Row]":
    """Return rows that are not much wider than the one thing that all of them meet."""
    one = _figure(other[0][0])
    width = min(1.0, _WIDER * one.side)
    left = min(max(one.x + one.side / 2 - width / 2, 0.0), 1 - width)
    return [[[place.within(left, 0.0, width) for place in unit] for unit in row] for row in rows]


def _figure(unit: "Unit") -> "Place":
    """Return the place of who wears and holds the others."""
    return max(unit, key=lambda place: place.side)


def _flat(rows: "list[Row]") -> "Unit":
    return [place for row in rows for unit in row for place in unit]


def _lifted(front: "Unit", back: "Unit") -> "Unit":
    """Bring places before all others."""
    top = max(place.depth for place in back) + 1
    return [replace(place, depth=place.depth + top) for place in front]


def _fitted(places: "Unit") -> "Unit":
    """Scale places about as large as fits the square of side 1, in its middle."""
    left, top = min(place.x for place in places), min(place.y for place in places)
    width = max(place.x + place.side for place in places) - left
    height = max(place.y + place.side for place in places) - top
    scale = 1 / max(width, height)
    x, y = (1 - width * scale) / 2 - left * scale, (1 - height * scale) / 2 - top * scale
    return [place.within(x, y, scale) for place in places]
