"""Where the objects of a scene stand, and which lies in front."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from imagerag.generators.crowds import FEW, beside, columns, is_crowd, is_stacked, stacked
from imagerag.generators.framing import framed
from imagerag.prompt_grammar.scene import Relation, Scene
from imagerag.prompt_grammar.vocabulary import RelationKind

_HEAD = frozenset(["hat", "cap", "crown", "helmet", "beret", "bonnet", "veil"])
_FACE = frozenset(["glasses", "sunglasses", "goggles"])
_NECK = frozenset(["tie", "scarf", "necktie", "necklace"])
_FEET = frozenset(["shoes", "boots", "socks", "gloves"])
_SMALL, _LARGE = 0.62, 1.18
"""Times the usual side that a small and a large thing have."""
_TOLD_APART = 1.15
"""Times the side of a small thing that every large one in the picture has at least."""
_CONTACT = 0.3
"""Share of its side by which the lower edge of what is on something lies over it, and by which a thing in front of
another covers it at least."""


@dataclass(frozen=True)
class Place:
    """A square for one instance: ``index`` into ``Scene.objects``, corner and side as shares of the canvas, and
    ``depth``: higher lies in front."""

    index: int
    x: float
    y: float
    side: float
    depth: int = 0

    def within(self, x: float, y: float, side: float, lift: int = 0) -> "Place":
        """The same place, when the square it was measured in is put at (x, y) with this side."""
        return replace(self, x=x + self.x * side, y=y + self.y * side, side=self.side * side, depth=self.depth + lift)


Unit = list[Place]
"""Places in one square that can be moved as a whole."""


def _in_thirds(*rows: tuple[float, ...]) -> tuple[tuple[float, float, float], ...]:
    """Return the corners and sides of three rows, of which these are the left edges."""
    return tuple((x, 0.32 * at, 0.36) for at, row in enumerate(rows) for x in row)


_ROWS: dict[int, tuple[tuple[float, float, float], ...]] = {
    1: ((0.0, 0.0, 1.0),),
    2: ((0.0, 0.22, 0.55), (0.45, 0.22, 0.55)),
    3: ((0.23, 0.0, 0.54), (0.0, 0.46, 0.54), (0.46, 0.46, 0.54)),
    4: ((0.0, 0.0, 0.52), (0.48, 0.0, 0.52), (0.0, 0.48, 0.52), (0.48, 0.48, 0.52)),
    5: ((0.0, 0.15, 0.4), (0.3, 0.15, 0.4), (0.6, 0.15, 0.4), (0.15, 0.6, 0.4), (0.45, 0.6, 0.4)),
    6: ((0.0, 0.15, 0.4), (0.3, 0.15, 0.4), (0.6, 0.15, 0.4), (0.0, 0.6, 0.4), (0.3, 0.6, 0.4), (0.6, 0.6, 0.4)),
    7: _in_thirds((0.16, 0.48), (0.0, 0.32, 0.64), (0.16, 0.48)),
    8: _in_thirds((0.0, 0.32, 0.64), (0.16, 0.48), (0.0, 0.32, 0.64)),
    9: _in_thirds((0.0, 0.32, 0.64), (0.0, 0.32, 0.64), (0.0, 0.32, 0.64)),
}
_Spot = tuple[float, float, float, int]
# Of "on" and "body", drawings of earlier versions are replayed by the same numbers.
_PAIRS: dict[str, tuple[_Spot, _Spot]] = {
    # kind: (x, y, side, lift) of the subject, then of the anchor
    "above": ((0.22, 0.0, 0.55, 0), (0.22, 0.45, 0.55, 0)),
    "below": ((0.22, 0.45, 0.55, 0), (0.22, 0.0, 0.55, 0)),
    "on": ((0.23, 0.0, 0.56, 1), (0.17, 0.36, 0.66, 0)),
    "in front of": ((0.02, 0.42, 0.57, 1), (0.24, 0.0, 0.76, 0)),
    "behind": ((0.24, 0.0, 0.76, 0), (0.02, 0.42, 0.57, 1)),
    "inside": ((0.24, 0.42, 0.54, 1), (0.02, 0.02, 0.96, 0)),  # of the subject only the lift counts: _INSIDE
    "with": ((0.0, 0.0, 0.72, 0), (0.5, 0.5, 0.5, 1)),
    "head": ((0.16, 0.3, 0.7, 0), (0.26, 0.0, 0.46, 1)),
    "face": ((0.0, 0.0, 1.0, 0), (0.25, 0.2, 0.5, 1)),
    "neck": ((0.1, 0.0, 0.78, 0), (0.28, 0.55, 0.45, 1)),
    "feet": ((0.13, 0.0, 0.74, 0), (0.28, 0.58, 0.42, 1)),
    "body": ((0.22, 0.0, 0.56, 1), (0.15, 0.34, 0.68, 0)),
}

_ALL_OF = ("on", "above", "below", "behind")
"""Relations in which each of several things has to stand to the other, and so all in one line."""
_INSIDE = (0.23, 0.42, 0.56)
"""Corner and side, as shares of what it is in, of the square in which a thing is inside another."""


def arrange(scene: Scene) -> list[Place]:
    """Lay a scene out.

    Relations compose from left to right: "a cat next to a dog under a tree" puts cat and dog, as one, under the tree.
    Worn and held things go with their bearer.

    Returns:
        One place per instance, backmost first, within the canvas 0..1 but for a large thing that has all of it, and
        for what a close-up cuts off.
    """
    worn = {i: relation for relation in scene.relations if relation.kind in _ATTACHED for i in relation.anchor}
    joints = {relation.anchor[0]: relation for relation in scene.relations if relation.kind not in _ATTACHED}
    free = [index for index in range(len(scene.objects)) if index not in worn]
    groups: list[tuple[RelationKind | Literal["and"], list[Unit]]] = []
    for index in free:
        units = _figures(scene, index, worn)
        joint = joints.get(index)
        kind: RelationKind | Literal["and"] = "and" if joint is None else joint.kind
        shared = any(index in relation.anchor[1:] for relation in joints.values())
        if groups and shared:
            groups[-1][1].extend(units)
        else:
            groups.append((kind, units))
    whole: Unit = []
    row: list[Unit] = []
    ordered, crowd = False, is_crowd(scene)
    wide = 0  # things side by side in what is put together
    for kind, units in groups:
        if kind in ("left of", "right of") and row and len(row) + len(units) > 2:
            # Three in a row would stand as a triangle, in which nobody is to the left of all others.
            sides, widths = [_row(row), _row(units)], [wide or columns(len(row)), columns(len(units))]
            if kind == "right of":
                sides, widths = sides[::-1], widths[::-1]
            wide = sum(widths)
            whole = beside(sides[0], sides[1], widths[0] / wide) if crowd else _row(sides)
            row = [whole]
            continue
        wide = 0
        if kind in ("and", "beside", "left of") or not (row or whole):
            row = row + units
        elif kind == "right of":
            row = units + row
        else:
            if crowd and is_stacked(kind) and len(row) + len(units) > FEW:
                whole = stacked(kind, row, units)
            else:
                whole = _pair(kind, _row(row, in_line=ordered), _row(units))
            row, ordered = [whole], False
            continue
        ordered = ordered or kind in ("left of", "right of")
        whole = _row(row, in_line=ordered)
    whole = [_sized(place, scene) for place in whole] if len(whole) == 1 else _told_apart(whole, scene)
    whole = [_on_canvas(place) for place in whole]
    places = framed(whole, scene.modifiers)
    return sorted(places, key=lambda place: (place.depth, place.y + place.side))


_ATTACHED = ("wearing", "with")


def _figures(scene: Scene, index: int, worn: dict[int, Relation]) -> list[Unit]:
    """One unit per instance; what is worn or held goes to the first."""
    figures: list[Unit] = [[Place(index, 0.0, 0.0, 1.0)] for _ in range(scene.objects[index].count)]
    for other, relation in worn.items():
        if relation.subject == (index,):
            garment = scene.objects[other].phrase.rsplit(" ", 1)[-1]
            kind = _garment_place(garment) if relation.kind == "wearing" else "with"
            figures[0] = _pair(kind, figures[0], _row(_figures(scene, other, worn)))
    share = _share(scene, index)
    return [_shrunk(figure, share) for figure in figures]


def _share(scene: Scene, index: int) -> float:
    """Return how much of its square a thing takes; beside a large one, the others take less.

    A large thing never outgrows its square: it would cover its neighbours, or leave the canvas.
    """
    usual = 1 / _LARGE if any(thing.size == "large" for thing in scene.objects) else 1.0
    return {"small": _SMALL * usual, "normal": usual, "large": 1.0}[scene.objects[index].size]


def _shrunk(unit: Unit, share: float) -> Unit:
    """Shrink a unit about the middle of its lower edge."""
    return [place.within((1 - share) / 2, 1 - share, share) for place in unit]


def _garment_place(garment: str) -> str:
    table: list[tuple[frozenset[str], str]] = [(_HEAD, "head"), (_FACE, "face"), (_NECK, "neck"), (_FEET, "feet")]
    return next((place for words, place in table if garment in words), "body")


def _row(units: list[Unit], *, in_line: bool = False) -> Unit:
    """Put units side by side; more than two stand in two rows, unless the words say who is left of whom."""
    spots = _ROWS[len(units)]
    if in_line and len(units) > 2:
        side = 1 / len(units)
        spots = tuple((at * side, (1 - side) / 2, side) for at in range(len(units)))
    return [place.within(*spot) for unit, spot in zip(units, spots, strict=True) for place in unit]


def _pair(kind: str, subject: Unit, anchor: Unit) -> Unit:
    first, second = _PAIRS[kind]
    if kind in _ALL_OF and len(subject) > 2 and len({place.side for place in subject}) == 1:
        subject = _in_line(subject)
    if kind in ("above", "below") and len(anchor) > 2 and len({place.side for place in anchor}) == 1:
        anchor = _in_line(anchor)
    if kind == "behind" and len(subject) > 1:
        second = (0.22, *second[1:])  # before the middle of all
    top: Callable[[Unit], int] = lambda unit: max((place.depth for place in unit), default=0) + 1  # noqa: E731
    lift_subject = first[3] * top(anchor)
    lift_anchor = second[3] * top(subject)
    one = [place.within(*first[:3], lift_subject) for place in subject]
    other = [place.within(*second[:3], lift_anchor) for place in anchor]
    if kind == "inside":  # of several, in the first
        holder = max(other, key=lambda place: place.side)
        room = (holder.x + _INSIDE[0] * holder.side, holder.y + _INSIDE[1] * holder.side, _INSIDE[2] * holder.side)
        one = [place.within(*room, lift_subject) for place in subject]
    elif kind == "on":
        one = _lowered(one, other)
    elif kind == "above":
        one = _raised(one, other)
    elif kind == "below":
        other = _raised(other, one)
    elif kind == "head":
        other = _lowered(other, one)
    elif kind == "in front of":
        one = _covering(one, other)
    elif kind == "behind":
        other = _covering(other, one)
    return one + other


def _in_line(unit: Unit) -> Unit:
    """Put things that stand as a triangle in one line, so that all of them stand on what is below."""
    side = 1 / len(unit)
    return [replace(place, x=at * side, y=1 - side, side=side) for at, place in enumerate(unit)]


def _raised(unit: Unit, over: Unit) -> Unit:
    """Move what is above something up until it lies over its upper edge by less than what would be on it."""
    smallest = min(place.side for place in unit)
    most = max(place.y + place.side for place in unit) - min(place.y for place in over) - _CONTACT / 2 * smallest
    up = min(max(most, 0.0), min(place.y for place in unit))
    return [replace(place, y=place.y - up) for place in unit]


def _lowered(unit: Unit, onto: Unit) -> Unit:
    """Move what is on something down until it lies over its upper edge."""
    widest = max(place.side for place in unit)
    figures = [place for place in unit if place.side > 0.75 * widest]  # not what they hold
    lowest = max(figures, key=lambda place: place.y + place.side)
    gap = min(place.y for place in onto) + _CONTACT * lowest.side - (lowest.y + lowest.side)
    return [replace(place, y=place.y + gap) for place in unit] if gap > 0 else unit


def _covering(front: Unit, back: Unit) -> Unit:
    """Move what is in front of something up and to the right until it covers a part of it."""
    bottom, left = max(place.y + place.side for place in back), min(place.x for place in back)
    highest = max(front, key=lambda place: place.y)
    leftmost = min(front, key=lambda place: place.x)
    up = max(highest.y + _CONTACT / 2 * highest.side - bottom, 0.0)
    right = max(left + _CONTACT / 2 * leftmost.side - (leftmost.x + leftmost.side), 0.0)
    return [replace(place, x=place.x + right, y=place.y - up) for place in front]


def _told_apart(unit: Unit, scene: Scene) -> Unit:
    """Let what is small be smaller than what is large, wherever both stand; what is worn or inside fits already."""
    several = any(thing.count > 1 for thing in scene.objects)  # which touch each other no more when they shrink
    if several or any(relation.kind in (*_ATTACHED, "inside") for relation in scene.relations):
        return unit
    large = [place.side for place in unit if scene.objects[place.index].size == "large"]
    most = min(large, default=1.0) / _TOLD_APART
    return [
        replace(place, x=place.x + (place.side - most) / 2, y=place.y + place.side - most, side=most)
        if scene.objects[place.index].size == "small" and place.side > most
        else place
        for place in unit
    ]


def _on_canvas(place: Place) -> Place:
    """Move a square back that hangs over an edge: of a pair, the lower one does, unless it is a part of a row."""
    if place.side > 1:
        return place
    return replace(place, x=min(max(place.x, 0.0), 1 - place.side), y=min(max(place.y, 0.0), 1 - place.side))


def _sized(place: Place, scene: Scene) -> Place:
    """Apply a size word about the middle of the lower edge, keeping the square on the canvas."""
    size = scene.objects[place.index].size
    side = place.side * {"small": _SMALL, "normal": 1.0, "large": _LARGE}[size]
    x = place.x + (place.side - side) / 2
    y = place.y + (place.side - side) / (1 if place.side < 1 else 2)
    if side > 1:  # a thing leaves room in its square, so that the only one of a picture can be larger than usual
        return replace(place, x=(1 - side) / 2, y=(1 - side) / 2, side=side)
    return replace(place, x=min(max(x, 0.0), 1 - side), y=min(max(y, 0.0), 1 - side), side=side)
