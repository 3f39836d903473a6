"""What a picture has against what was wanted: by the layout that its generator recorded, never by its pixels."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from imagerag.prompt_grammar.inflection import singular
from testing.follow_up_corpus import Corpus, PlaceKind, Thing, Turn, Wanted

Aspect = Literal["things", "counts", "colours", "sizes", "places", "background and style", "picture"]
"""``picture``: it goes on from another one than was meant, or shows the same pixels as before where it must not."""
ON_AT_LEAST, ABOVE_AT_MOST = 0.25, 0.3
"""Share of its height by which what is on something overlaps it, and what is above something may."""
WORN_AT_LEAST = 0.3
"""Share of its area by which what is worn overlaps its bearer."""
INSIDE_AT_LEAST, BESIDE_AT_MOST = 0.85, 0.35
"""Share of the smaller box that lies within the other."""
CLEARLY = 0.15
"""Distance of centres, in sides of the smaller box, from which on one is left of, or over, the other."""
BIGGER = 1.05
"""Ratio of sides from which on one thing is bigger than another, or than it was."""


class Instance(NamedTuple):
    """One thing as it was drawn: ``box`` has left, top, right and bottom in pixels; higher ``depth`` lies in front."""

    phrase: str
    colour: str | None
    size: str
    box: tuple[float, float, float, float]
    depth: int

    @property
    def side(self) -> float:
        """Pixels of the box's side."""
        return self.box[2] - self.box[0]

    @property
    def centre(self) -> tuple[float, float]:
        """Pixels from the left and from the top."""
        return (self.box[0] + self.box[2]) / 2, (self.box[1] + self.box[3]) / 2


@dataclass(frozen=True)
class DrawnScene:
    """What a drawing's manifest tells of it."""

    prompt: str
    instances: tuple[Instance, ...]
    background: str
    styles: tuple[str, ...]

    @classmethod
    def of(cls, prompt: str, facts: Mapping[str, Any]) -> DrawnScene:
        """Read the facts that Patchwork records, and that ``testing.sketches`` records likewise."""
        instances = [
            Instance(one["phrase"], one["colour"], one["size"], tuple(one["box"]), one["depth"])
            for one in facts["objects"]
        ]
        return cls(prompt, tuple(instances), facts["background"], tuple(facts["styles"]))

    def names(self) -> frozenset[str]:
        """Return what is in it."""
        return frozenset(one.phrase for one in self.instances)


class Fault(NamedTuple):
    """Something that is not as it was wanted: in which way, of what (if of one thing), and in words."""

    aspect: Aspect
    name: str
    text: str


def faults(turn: Turn, drawn: DrawnScene, before: DrawnScene | None, corpus: Corpus) -> list[Fault]:
    """Return what is wrong with a picture, compared with that of what is wanted to which it is nearest.

    Args:
        turn: that the picture was drawn for.
        drawn: the picture that was returned.
        before: the one that it goes on from.
        corpus: that the turn is of.
    """
    per_wanted = [_faults(turn, wanted, drawn, before, corpus) for wanted in turn.wanted]
    return min(per_wanted, key=len)


def _faults(turn: Turn, wanted: Wanted, drawn: DrawnScene, before: DrawnScene | None, corpus: Corpus) -> list[Fault]:
    found: list[Fault] = []
    left = list(drawn.instances)
    taken: dict[str, list[Instance]] = {}
    colourful_first = sorted(wanted.things, key=lambda thing: thing.colour is None)
    for thing in colourful_first:
        mine = _take(thing, left, corpus, turn)
        taken[_key(thing)] = mine
        if not mine and thing.name not in turn.may_lack:
            found.append(Fault("things", thing.name, f"no {thing.name}"))
        elif mine:
            found += _of_one_kind(thing, mine, before, wanted, corpus, turn)
    for extra in left:
        of_wanted = any(is_called(extra, thing.name, corpus, turn) for thing in wanted.things)
        if of_wanted:
            found.append(Fault("counts", extra.phrase, f"one {extra.phrase} too many"))
        elif not may_be_shown(extra, turn):
            found.append(Fault("things", extra.phrase, f"{extra.phrase} was not asked for"))
    for place in wanted.places:
        subject, anchor = (taken.get(_key_of(name, wanted)) for name in (place.subject, place.anchor))
        if subject and anchor and not stands(subject, place.kind, anchor):
            found.append(Fault("places", place.subject, f"not {' '.join(place)}"))
    found += _as_a_whole(turn, wanted, drawn, before)
    return found


def _key(thing: Thing) -> str:
    return f"{thing.colour} {thing.name}"


def _key_of(name: str, wanted: Wanted) -> str:
    return next(_key(thing) for thing in wanted.things if thing.name == name)


def _words(choices: Sequence[str]) -> list[str]:
    return [word for choice in choices for word in choice.split("|")]


def may_be_shown(instance: Instance, turn: Turn) -> bool:
    """Tell whether a thing may be there besides those that have to: "snow", where the prompt is to say so."""
    return any(word in instance.phrase for word in (*turn.may_show, *_words(turn.says)))


def is_called(instance: Instance, name: str, corpus: Corpus, turn: Turn) -> bool:
    """Tell whether a thing is what the person calls so; "red apple" is also an apple that is red."""
    accepted = {name, *corpus.concepts_of(name, turn.upload)}
    forms = {instance.phrase, singular(instance.phrase), f"{instance.colour} {instance.phrase}"}
    return bool(forms & accepted)


def _take(thing: Thing, left: list[Instance], corpus: Corpus, turn: Turn) -> list[Instance]:
    """Take what this thing is out of ``left``: those of its colour first, at most as many as are wanted."""
    named = [one for one in left if is_called(one, thing.name, corpus, turn)]
    named.sort(key=lambda one: one.colour != thing.colour)
    mine = named[: thing.count]
    for one in mine:
        left.remove(one)
    return mine


def _of_one_kind(
    thing: Thing, mine: list[Instance], before: DrawnScene | None, wanted: Wanted, corpus: Corpus, turn: Turn
) -> list[Fault]:
    found: list[Fault] = []
    if len(mine) < thing.count:
        found.append(Fault("counts", thing.name, f"{len(mine)} {thing.name}, not {thing.count}"))
    for colour in dict.fromkeys(one.colour for one in mine):
        of_the_name = any(f"{one.colour} {one.phrase}" == thing.name for one in mine)
        if colour != thing.colour and not of_the_name:
            text = f"{thing.name}: {colour or 'its own colour'}, not {thing.colour or 'its own'}"
            found.append(Fault("colours", thing.name, text))
    compared = any(
        place.kind in ("bigger than", "smaller than") and thing.name in (place.subject, place.anchor)
        for place in wanted.places
    )
    said = {one.size for one in mine}
    if said != {thing.size} and not compared and not turn.zoom:
        was = [one.side for one in before.instances if is_called(one, thing.name, corpus, turn)] if before else []
        now = [one.side for one in mine]
        ratio = max(now) / max(was) if was else 1.0
        as_wanted = {"large": ratio >= BIGGER, "small": ratio <= 1 / BIGGER, "normal": False}[thing.size]
        if not as_wanted:
            found.append(Fault("sizes", thing.name, f"{thing.name}: {', '.join(sorted(said))}, not {thing.size}"))
    return found


def _as_a_whole(turn: Turn, wanted: Wanted, drawn: DrawnScene, before: DrawnScene | None) -> list[Fault]:
    found: list[Fault] = []
    if wanted.background and drawn.background != wanted.background:
        found.append(Fault("background and style", "", f"background {drawn.background}, not {wanted.background}"))
    text = drawn.prompt.lower()
    if wanted.style and wanted.style not in drawn.styles:
        found.append(Fault("background and style", "", f"styles {list(drawn.styles)}, not {wanted.style}"))
    for choice in turn.says:
        if not re.search(choice, text):
            found.append(Fault("background and style", "", f"nothing of {choice!r} in the prompt"))
    for word in turn.unsaid:
        if word in text:
            found.append(Fault("background and style", "", f"{word!r} is still in the prompt"))
    if turn.zoom and before and drawn.instances and before.instances:
        ratio = max(one.side for one in drawn.instances) / max(one.side for one in before.instances)
        if ratio > 1 / BIGGER:
            found.append(Fault("sizes", "", f"things are {ratio:.2f} times as large as before"))
    return found


def stands(subject: Sequence[Instance], kind: PlaceKind, anchor: Sequence[Instance]) -> bool:
    """Tell whether all of ``subject`` stand so to any of ``anchor``."""
    return all(any(_stands(one, kind, other) for other in anchor) for one in subject)


def _stands(one: Instance, kind: PlaceKind, other: Instance) -> bool:
    """Tell how two boxes stand, by the rules of the constants above."""
    clearly = CLEARLY * min(one.side, other.side)
    dx, dy = one.centre[0] - other.centre[0], one.centre[1] - other.centre[1]
    wide = min(one.box[2], other.box[2]) - max(one.box[0], other.box[0])
    high = min(one.box[3], other.box[3]) - max(one.box[1], other.box[1])
    shared = max(wide, 0) * max(high, 0) / min(one.side, other.side) ** 2
    match kind:
        case "left of":
            return dx < -clearly and shared < BESIDE_AT_MOST
        case "right of":
            return dx > clearly and shared < BESIDE_AT_MOST
        case "above":
            return dy < -clearly and high < ABOVE_AT_MOST * one.side
        case "below":
            return dy > clearly and high < ABOVE_AT_MOST * one.side
        case "on":
            sits = dy < 0 < wide and high >= ON_AT_LEAST * one.side
            held = abs(dx) < clearly and (dy < 0 or shared < INSIDE_AT_LEAST)
            worn = held and shared >= WORN_AT_LEAST and one.side < other.side
            return one.depth >= other.depth and (sits or worn)
        case "inside":
            return shared >= INSIDE_AT_LEAST and one.side < other.side and one.depth > other.depth
        case "in front of":
            return 0 < shared < INSIDE_AT_LEAST and one.depth > other.depth and dy > -clearly
        case "behind":
            return 0 < shared < INSIDE_AT_LEAST and one.depth < other.depth and dy < clearly
        case "beside":
            return shared < BESIDE_AT_MOST
        case "bigger than":
            return one.side >= BIGGER * other.side
        case "smaller than":
            return other.side >= BIGGER * one.side
