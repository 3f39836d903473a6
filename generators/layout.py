"""Where the objects of a scene stand, and which lies in front."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from imagerag.generators.framing import framed
from imagerag.prompt_grammar.scene import Relation, Scene
from imagerag.prompt_grammar.vocabulary import RelationKind

_HEAD = frozenset(["hat", "cap", "crown", "helmet", "beret", "bonnet", "veil"])
_FACE = frozenset(["glasses", "sunglasses", "goggles"])
_NECK = frozenset(["tie", "scarf", "necktie", "necklace"])
_FEET = frozenset(["shoes", "boots", "socks", "gloves"])
_SMALL, _LARGE = 0.62, 1.18


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

_ROWS: dict[int, tuple[tuple[float, float, float], ...]] = {
    1: ((0.0, 0.0, 1.0),),
    2: ((0.0, 0.22, 0.55), (0.45, 0.22, 0.55)),
    3: ((0.23, 0.0, 0.54), (0.0, 0.46, 0.54), (0.46, 0.46, 0.54)),
    4: ((0.0, 0.0, 0.52), (0.48, 0.0, 0.52), (0.0, 0.48, 0.52), (0.48, 0.48, 0.52)),
}
_Spot = tuple[float, float, float, int]
_PAIRS: dict[str, tuple[_Spot, _Spot]] = {
    # kind: (x, y, side, lift) of the subject, then of the anchor
    "above": ((0.22, 0.0, 0.55, 0), (0.22, 0.45, 0.55, 0)),
    "below": ((0.22, 0.45, 0.55, 0), (0.22, 0.0, 0.55, 0)),
    "on": ((0.23, 0.0, 0.56, 1), (0.17, 0.36, 0.66, 0)),
    "in front of": ((0.02, 0.42, 0.57, 1), (0.24, 0.0, 0.76, 0)),
    "behind": ((0.24, 0.0, 0.76, 0), (0.02, 0.42, 0.57, 1)),
    "inside": ((0.24, 0.42, 0.54, 1), (0.02, 0.02, 0.96, 0)),
    "with": ((0.0, 0.0, 0.72, 0), (0.5, 0.5, 0.5, 1)),
    "head": ((0.16, 0.3, 0.7, 0), (0.26, 0.0, 0.46, 1)),
    "face": ((0.0, 0.0, 1.0, 0), (0.25, 0.2, 0.5, 1)),
    "neck": ((0.1, 0.0, 0.78, 0), (0.28, 0.55, 0.45, 1)),
    "feet": ((0.13, 0.0, 0.74, 0), (0.28, 0.58, 0.42, 1)),
    "body": ((0.22, 0.0, 0.56, 1), (0.15, 0.34, 0.68, 0)),
}


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
    for kind, units in groups:
        if kind in ("left of", "right of") and row and len(row) + len(units) > 2:
            # Three in a row would stand as a triangle, in which nobody is to the left of all others.
            sides = [_row(row), _row(units)]
            whole = _row(sides if kind == "left of" else sides[::-1])
            row = [whole]
            continue
        if kind in ("and", "beside", "left of") or not (row or whole):
            row = row + units
        elif kind == "right of":
            row = units + row
        else:
            whole = _pair(kind, _row(row), _row(units))
            row = [whole]
            continue
        whole = _row(row)
    places = framed([_sized(place, scene) for place in whole], scene.modifiers)
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
    return figures


def _garment_place(garment: str) -> str:
    table: list[tuple[frozenset[str], str]] = [(_HEAD, "head"), (_FACE, "face"), (_NECK, "neck"), (_FEET, "feet")]
    return next((place for words, place in table if garment in words), "body")


def _row(units: list[Unit]) -> Unit:
    spots = _ROWS[min(len(units), 4)]
    return [place.within(*spot) for unit, spot in zip(units, spots, strict=False) for place in unit]


def _pair(kind: str, subject: Unit, anchor: Unit) -> Unit:
    first, second = _PAIRS[kind]
    top: Callable[[Unit], int] = lambda unit: max((place.depth for place in unit), default=0) + 1  # noqa: E731
    lift_subject = first[3] * top(anchor)
    lift_anchor = second[3] * top(subject)
    return [place.within(*first[:3], lift_subject) for place in subject] + [
        place.within(*second[:3], lift_anchor) for place in anchor
    ]


def _sized(place: Place, scene: Scene) -> Place:
    """Apply a size word about the middle of the lower edge, keeping the square on the canvas."""
    size = scene.objects[place.index].size
    side = place.side * {"small": _SMALL, "normal": 1.0, "large": _LARGE}[size]
    x = place.x + (place.side - side) / 2
    y = place.y + (place.side - side) / (1 if place.side < 1 else 2)
    if side > 1:  # a thing leaves room in its square, so that the only one of a picture can be larger than usual
        return replace(place, x=(1 - side) / 2, y=(1 - side) / 2, side=side)
    return replace(place, x=min(max(x, 0.0), 1 - side), y=min(max(y, 0.0), 1 - side), side=side)
