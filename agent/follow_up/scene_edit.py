"""Changing a scene: what is added, taken out, exchanged and moved, so that its description says it.

A scene is edited as it is said, from left to right: each thing with what joins it to the things before it. So what
comes out is a scene that the grammar reads back from its description.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from imagerag.agent.follow_up.phrases import phrases
from imagerag.prompt_grammar.inflection import singular
from imagerag.prompt_grammar.noun_phrase import MAX_INSTANCES, SceneObject, fits
from imagerag.prompt_grammar.scene import Scene, add_object
from imagerag.prompt_grammar.vocabulary import GARMENTS, Joint, RelationKind

_ATTACHED = ("wearing", "with")
_AROUND: tuple[Joint, ...] = ("inside", "on")
"""How a setting is joined to what is in it."""
INVERSE: dict[RelationKind, RelationKind] = {
    "beside": "beside",
    "left of": "right of",
    "right of": "left of",
    "above": "below",
    "below": "above",
    "in front of": "behind",
    "behind": "in front of",
}
"""Of "a cat behind a dog", how the dog stands to the cat."""


class CannotChange(Exception):
    """The change can't be made of this picture; the message says why, and what can be."""


class NotThere(CannotChange):
    """What is to change is not in the picture, as far as the words are read right."""


class HoldsNoMore(CannotChange):
    """More things are asked for than one picture holds."""


@dataclass(frozen=True)
class Item:
    """A thing, and how it is joined to what is said before it; the first thing's joint is ``and``.

    Attributes:
        joint: how the thing, or what is before it, stands.
        thing: itself.
        verb: the joint that the prompt says by a word of its own ("playing"), and that word.
    """

    joint: Joint
    thing: SceneObject
    verb: tuple[Joint, str] | None = None

    @property
    def said(self) -> str:
        """The word for its joint, as long as that is the one it was said of."""
        return self.verb[1] if self.verb is not None and self.verb[0] == self.joint else ""


def items_of(scene: Scene) -> list[Item]:
    """Return the things of a scene as they are said."""
    joined = {relation.anchor[0]: relation for relation in scene.relations}
    return [
        Item(joined[at].kind, thing, (joined[at].kind, joined[at].said)) if at in joined else Item("and", thing)
        for at, thing in enumerate(scene.objects)
    ]


def with_items(scene: Scene, items: Sequence[Item]) -> Scene:
    """Return the scene with these things in place of its own.

    Raises:
        CannotChange: they are none.
        HoldsNoMore: they are more than a scene holds.
    """
    if not items:
        raise CannotChange("nothing would be left in the picture")
    things = [item.thing for item in items]
    if not fits(things):
        total = sum(thing.count for thing in things)
        raise HoldsNoMore(f"that would make {total} things, and one picture holds at most {MAX_INSTANCES}")
    made = replace(scene, objects=(), relations=())
    for at, item in enumerate(items):
        made = add_object(made, item.thing, item.joint if at else "and", item.said if at else "")
    return made


def is_garment(thing: SceneObject) -> bool:
    return thing.phrase.split(" ")[-1] in GARMENTS


def is_place(thing: SceneObject) -> bool:
    """Tell whether a thing is what others are in: a beach, the snow."""
    return thing.phrase in phrases().places or singular(thing.phrase) in phrases().places


def is_landscape(thing: SceneObject) -> bool:
    """Tell whether a thing is a place, or one with an adjective: a snowy forest."""
    *before, last = thing.phrase.split()
    return last in phrases().places and all(word.endswith(("y", "ed", "ing", "ish", "ic", "al")) for word in before)


def is_setting(items: Sequence[Item], at: int) -> bool:
    """Tell whether a thing is what the others are in: the beach of "a dog on a beach", not that of "a beach"."""
    return at > 0 and items[at].joint in _AROUND and is_place(items[at].thing)


def unit_end(items: Sequence[Item], at: int) -> int:
    """Return the place behind a thing and what it wears and holds."""
    end = at + 1
    while end < len(items) and items[end].joint in _ATTACHED:
        end += 1
    return end


def bearer(items: Sequence[Item], at: int) -> int:
    """Return the place of who wears or holds a thing; its own if nobody does."""
    while at and items[at].joint in _ATTACHED:
        at -= 1
    return at


def settings_begin(items: Sequence[Item]) -> int:
    """Return the place of the first of the settings at the end; all there are if there is none."""
    end = len(items)
    while end > 1 and is_setting(items, end - 1):
        end -= 1
    return end


def added(items: Sequence[Item], thing: SceneObject) -> tuple[list[Item], int]:
    """Add a thing beside the others, into the setting they are in; one more of what is there already counts up.

    Returns:
        the things, and the place of the new one.
    """
    for at, item in enumerate(items):
        if replace(item.thing, count=thing.count) == thing:
            more = replace(item.thing, count=item.thing.count + thing.count)
            return [*items[:at], replace(item, thing=more), *items[at + 1 :]], at
    at = settings_begin(items)
    return [*items[:at], Item("and", thing), *items[at:]], at


def removed(items: Sequence[Item], at: int) -> list[Item]:
    """Take a thing out, with what it wears."""
    end = unit_end(items, at) if items[at].joint not in _ATTACHED else at + 1
    left = [item for item in items[at + 1 : end] if item.joint != "wearing"]
    rest = [replace(item, joint="and") for item in left] + list(items[end:])
    if rest and rest[0].joint == "and" and items[at].joint not in ("and", *_ATTACHED, *_AROUND):
        rest[0] = replace(rest[0], joint=items[at].joint)  # "above a house and a tree" is still above the tree
    return [*items[:at], *rest]


def exchanged(items: Sequence[Item], at: int, new: SceneObject) -> list[Item]:
    """Put another thing in the place of one; it stands as the old one did."""
    joint = items[at].joint
    if joint in _ATTACHED:
        joint = "wearing" if is_garment(new) else "with"
    return [*items[:at], Item(joint, new), *items[at + 1 :]]


def held(items: Sequence[Item], at: int, thing: SceneObject, *, worn: bool = False) -> tuple[list[Item], int]:
    """Let a thing wear or hold another one; what is itself held stands by itself then."""
    if items[at].joint == "with" and not is_garment(items[at].thing):
        apart = replace(items[at], joint="and")
        rest = [*items[:at], *items[at + 1 :]]
        place = settings_begin(rest)
        items, at = [*rest[:place], apart, *rest[place:]], place
    one = bearer(items, at)
    joint: Joint = "wearing" if worn or is_garment(thing) else "with"
    end = unit_end(items, one)
    if joint == "wearing":  # before what is held: nothing stands between who wears a thing and that thing
        end = one + 1
        while end < len(items) and items[end].joint == "wearing":
            end += 1
    return _wearer_first([*items[:end], Item(joint, thing), *items[end:]], one, end)


def _wearer_first(items: list[Item], one: int, at: int) -> tuple[list[Item], int]:
    """Say who wears something before what it stands beside.

    "A tiger to the left of a lion wearing a crown" is read as a tiger with a crown.

    Args:
        items: with what is worn.
        one: the place of who wears it.
        at: the place of what is worn.
    """
    first = unit_end(items, 0)
    inverse = next((other for kind, other in INVERSE.items() if kind == items[one].joint), None)
    if one != first or items[at].joint != "wearing" or inverse is None:
        return items, at
    end = unit_end(items, one)
    before = [replace(items[0], joint=inverse), *items[1:first]]
    return [replace(items[one], joint="and"), *items[one + 1 : end], *before, *items[end:]], at - one


def related(items: Sequence[Item], unit: Sequence[Item], kind: RelationKind, at: int) -> tuple[list[Item], int]:
    """Put a thing, with what it has on, in a relation to one that is there.

    Returns:
        the things, and the place of the new one.
    """
    if kind == "with":
        return held(items, at, unit[0].thing)
    if kind in INVERSE:
        end = settings_begin(items)
        if at >= end:  # beside the forest that all is in
            end = len(items)
        first = replace(unit[0], joint=INVERSE[kind])
        return [*items[:end], first, *unit[1:], *items[end:]], end
    at = bearer(items, at)
    if at and items[at].joint in _AROUND and unit_end(items, at) >= len(items) and kind in _AROUND:
        # Others are on the boat already.
        return [*items[:at], replace(unit[0], joint="and"), *unit[1:], *items[at:]], at
    end = unit_end(items, at)
    target = [Item(kind, items[at].thing), *items[at + 1 : end]]
    before, behind = list(items[:at]), list(items[end:])
    if before:
        inverse = next((other for kind_, other in INVERSE.items() if kind_ == items[at].joint), None)
        before[0] = replace(before[0], joint=inverse or "and")
    return [replace(unit[0], joint="and"), *unit[1:], *target, *before, *behind], 0


def surrounded(items: Sequence[Item], kind: RelationKind, thing: SceneObject) -> list[Item]:
    """Put all of it on, in or behind something; what it was in or on so far goes."""
    kept = list(items)
    last = len(kept) - 1
    place = is_landscape(thing)
    while (
        last > 0 and kept[last].joint in _AROUND and (is_place(kept[last].thing) if place else kept[last].joint == kind)
    ):
        if not (place or kind in _AROUND):
            break
        kept = removed(kept, last)
        last = len(kept) - 1
    return [*kept, Item(kind, thing)]


def taken_apart(items: Sequence[Item], at: int, number: int) -> tuple[list[Item], int]:
    """Make one of several a thing of its own: the ``number``th, counted from 0.

    Returns:
        the things, and the place of that one.
    """
    many = items[at].thing
    end = unit_end(items, at)
    one = replace(many, count=1)
    before, behind = number, many.count - number - 1
    parts = [replace(many, count=before)] if before else []
    parts += [one]
    parts += [replace(many, count=behind)] if behind else []
    first = [Item(items[at].joint, parts[0]), *items[at + 1 : end]]
    rest = [Item("and", part) for part in parts[1:]]
    place = at if not before else at + len(first)
    return [*items[:at], *first, *rest, *items[end:]], place
