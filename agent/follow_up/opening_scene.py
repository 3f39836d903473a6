"""The picture of a first request while it is put together: things, how they stand, and the prompt that draws it."""

from collections.abc import Collection
from copy import deepcopy
from dataclasses import dataclass, field, replace

from imagerag.agent.follow_up.changes import clause
from imagerag.agent.follow_up.edit import Edit
from imagerag.agent.follow_up.scene_edit import CannotChange
from imagerag.prompt_grammar.inflection import plural, singular
from imagerag.prompt_grammar.noun_phrase import article
from imagerag.prompt_grammar.vocabulary import NUMBERS, Size

_SHORTEST_SHORTENED = 3
"""Letters of the shortest word by which a thing of a longer name is meant: "sax", of a saxophone."""
_OPPOSITE = {"left": "right", "right": "left", "top": "bottom", "bottom": "top"}
HOLDING = frozenset(["with", "holding", "wearing", "carrying"])
"""How a thing stands that somebody has."""
STANDS = {"left": "to the left of", "right": "to the right of", "top": "above", "bottom": "under"}


@dataclass(frozen=True)
class Wanted:
    """One thing, or several alike.

    Attributes:
        name: in the singular.
        count: how many.
        colour: as said; empty for its own.
        size: as ``SIZES`` has it.
        owner: "my", of a thing that may be in a picture that was given; or empty.
    """

    name: str
    count: int = 1
    colour: str = ""
    size: Size = "normal"
    owner: str = ""

    def described(self) -> str:
        """Return it with its article or number: "two small red balloons"."""
        size = "" if self.size == "normal" else self.size
        if self.count > 1:
            number = NUMBERS[self.count] if self.count < len(NUMBERS) else str(self.count)
            return " ".join(filter(None, (number, size, self.colour, plural(self.name))))
        named = " ".join(filter(None, (size, self.colour, self.name)))
        if self.owner:
            return f"{self.owner} {named}"
        last = self.name.split()[-1]
        many = singular(last) != last and last.endswith("s")
        return named if many else f"{article(named)} {named}"


@dataclass
class OpeningScene:
    """What a first request has told so far; things are named by their places in ``things``.

    Attributes:
        things: in the order in which they were said.
        relations: each the place of a thing, how it stands ("on", "holding"), and the place of the other.
        sides: of things that stand somewhere in the picture, where.
        background: a colour, or empty.
        latest: the place of the thing that was told of last.
    """

    things: list[Wanted] = field(default_factory=list)
    relations: list[tuple[int, str, int]] = field(default_factory=list)
    sides: dict[int, str] = field(default_factory=dict)
    background: str = ""
    latest: int = -1

    def copy(self) -> "OpeningScene":
        """Return another one to try something on."""
        return deepcopy(self)

    def take(self, other: "OpeningScene") -> None:
        """Become what the other one is."""
        self.things, self.relations, self.sides = other.things, other.relations, other.sides
        self.background, self.latest = other.background, other.latest

    def add(self, thing: Wanted) -> int:
        """Add a thing and return its place."""
        self.things.append(thing)
        self.latest = len(self.things) - 1
        return self.latest

    def find(self, name: str) -> int | None:
        """Return the place of the thing that is meant by a name or by a part of one: "sax", "planet", "boat"."""
        exact = [at for at, thing in enumerate(self.things) if name in (thing.name, plural(thing.name))]
        parts = [
            at
            for at, thing in enumerate(self.things)
            if len(name) >= _SHORTEST_SHORTENED
            and (thing.name.startswith(name) or thing.name.endswith(name) or name.endswith(f" {thing.name}"))
        ]
        found = exact or parts
        return found[-1] if len(found) == 1 else None

    def relate(self, subject: int, how: str, anchor: int) -> None:
        """Let a thing stand so to another one, whatever was said of the two before."""
        pair = {subject, anchor}
        self.relations = [one for one in self.relations if {one[0], one[2]} != pair]
        if subject != anchor:
            self.relations.append((subject, how, anchor))

    def recolour(self, at: int, colour: str) -> None:
        """Give a thing a colour."""
        self.things[at] = replace(self.things[at], colour=colour)

    def split(self, at: int, parts: list[tuple[int, str]]) -> None:
        """Make one thing several of different colours: each a count and a colour."""
        whole = self.things[at]
        first, *rest = [replace(whole, count=count, colour=colour) for count, colour in parts]
        self.things[at] = first
        self.things += rest

    def drop(self, at: int) -> None:
        """Take a thing out."""
        place = [old for old in range(len(self.things)) if old != at]
        moved = {old: new for new, old in enumerate(place)}
        self.latest = moved.get(self.latest, len(place) - 1)
        self.things = [self.things[old] for old in place]
        self.relations = [(moved[a], how, moved[b]) for a, how, b in self.relations if a in moved and b in moved]
        self.sides = {moved[old]: side for old, side in self.sides.items() if old in moved}

    def in_a_row(self) -> None:
        """Let the things stand from left to right as they were said."""
        for at in range(len(self.things) - 1):
            self.relate(at, "to the left of", at + 1)

    def _placed(self) -> list[tuple[int, str, int]]:
        """Return the relations with those that the sides make."""
        made = list(self.relations)
        middle = next((at for at, side in self.sides.items() if side == "middle"), None)
        free = [at for at in range(len(self.things)) if at not in self.sides]
        if middle is None and {"left", "right"} <= set(self.sides.values()) and free:
            middle = free[0]
        for at, side in self.sides.items():
            if side not in STANDS:
                continue
            others = [one for one in range(len(self.things)) if one != at and self.sides.get(one) != side]
            opposite = [one for one in others if self.sides.get(one) == _OPPOSITE[side]]
            of = [middle] if middle is not None else opposite or others
            if of and not any({a, b} == {at, of[0]} for a, _, b in made):
                made.append((at, STANDS[side], of[0]))
        return made

    def prompt(self, names: Collection[str], known: Collection[str]) -> str:
        """Return a prompt that draws it; empty where there is nothing, or it can't be said in one."""
        if not self.things:
            return ""
        left = list(range(len(self.things)))
        relations = self._placed()
        said = [thing.described() for thing in self.things]
        if not relations:
            text = " and ".join(said)
            return text + self._ground()
        first, how, anchor = relations.pop(0)
        text = f"{said[first]} {how} {said[anchor]}"
        left = [at for at in left if at not in (first, anchor)]
        if not relations:
            return " and ".join([text, *(said[at] for at in left)]) + self._ground()
        edit = Edit.of(text, names, known)
        edit.reader = clause
        there = {first, anchor}
        try:
            while left or relations:
                order = self._next(there, left, relations, said)
                if not clause(edit, order.split()):
                    return ""
            return edit.described() + self._ground()
        except CannotChange:
            return ""

    def _next(self, there: set[int], left: list[int], relations: list[tuple[int, str, int]], said: list[str]) -> str:
        """Return the order that adds the next thing, or puts one in its place, and count it as done."""
        for one in relations:
            subject, how, anchor = one
            if anchor in there:
                relations.remove(one)
                what = f"the {self._called(subject)}" if subject in there else said[subject]
                if subject not in there:
                    left.remove(subject)
                    there.add(subject)
                return f"put {what} {_as_place(how)} the {self._called(anchor)}"
            if subject in there:
                relations.remove(one)
                left.remove(anchor)
                there.add(anchor)
                if how in HOLDING:
                    return f"give the {self._called(subject)} {said[anchor]}"
                if (inverse := _INVERSE.get(how)) is not None:
                    return f"put {said[anchor]} {inverse} the {self._called(subject)}"
                return f"put the {self._called(subject)} {_as_place(how)} {said[anchor]}"
        at = left.pop(0)
        there.add(at)
        return f"add {said[at]}"

    def _called(self, at: int) -> str:
        thing = self.things[at]
        alike = sum(one.name == thing.name for one in self.things) > 1
        name = plural(thing.name) if thing.count > 1 else thing.name
        return f"{thing.colour} {name}" if alike and thing.colour else name

    def _ground(self) -> str:
        return f" on {article(self.background)} {self.background} background" if self.background else ""


_INVERSE = {
    "to the left of": "to the right of", "to the right of": "to the left of", "above": "under", "under": "above",
    "in front of": "behind", "behind": "in front of", "next to": "next to",
}  # fmt: skip


def _as_place(how: str) -> str:
    """Return where something is put that is held or worn."""
    return "on" if how in HOLDING else how
