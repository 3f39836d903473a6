"""Where things go: on, behind, beside others, into a setting, to a side of the picture, in each other's place."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from imagerag.agent.follow_up import holding, looks
from imagerag.agent.follow_up.edit import Edit
from imagerag.agent.follow_up.phrases import phrases
from imagerag.agent.follow_up.scene_edit import (
    INVERSE,
    CannotChange,
    Item,
    NotThere,
    added,
    bearer,
    held,
    is_garment,
    is_place,
    is_setting,
    related,
    surrounded,
    unit_end,
)
from imagerag.agent.follow_up.sides import TO, frame_cut, frame_of
from imagerag.agent.follow_up.things import Found
from imagerag.prompt_grammar.vocabulary import ARTICLES, BACKGROUND_WORDS, RelationKind

_DEGREE = re.compile(
    r" (?:a bit|a little|slightly|further|over|all the way|some more)(?= (?:to|up|down|left|right|higher|lower)\b)"
)
_PLACEHOLDERS = frozenset(
    ["there", "sky", "air", "middle", "picture", "image", "scene", "drawing", "frame", "front", "foreground"]
)
_SIDE_OF: dict[str, RelationKind] = {
    "on the left": "left of",
    "on the right": "right of",
    "at the top": "above",
    "at the bottom": "below",
}
"""How a thing stands to the others that is moved to a side of the picture."""


class Parted(NamedTuple):
    """Words around a connector: "a crown", "on", "its head"."""

    left: list[str]
    kind: RelationKind
    said: str
    right: list[str]


def parted(words: Sequence[str]) -> Parted | None:
    """Part words at their first connector of two things; ``None`` if there is none."""
    relations = phrases().relations
    for at in range(len(words)):
        for said, kind in relations:
            if tuple(words[at : at + len(said)]) == said:
                return Parted(list(words[:at]), kind, " ".join(said), list(words[at + len(said) :]))
    return None


_IN_THE_MIDDLE = "in the middle"


def moved_in_frame(edit: Edit, found: Found, place: str) -> bool:
    """Move things to a side of the picture: past the others, or all there is where there are none."""
    items = found.items
    units = [at for at in range(len(items)) if items[at].joint not in ("wearing", "with") and not is_setting(items, at)]
    corner = next((side for side in ("left", "right") if f"{side} corner" in place), "")
    side = _SIDE_OF.get(f"on the {corner}" if corner else place)
    one = bearer(items, found.places[0])
    if len(units) > 1 and len(found.places) == 1 and side and one in units:
        other = next(at for at in units if at != one)
        return _relate(edit, items, one, side, other)
    others = [at for at in units if at != one]
    if place == _IN_THE_MIDDLE and len(others) == 2 and len(found.places) == 1 and one in units:
        return _put_between(edit, items, _unit(items, one), others)
    frame = set(phrases().frame.values())
    kept = tuple(word for word in edit.scene.modifiers if word not in frame)
    edit.take(items)
    edit.take_scene(replace(edit.scene, modifiers=(*kept, place)))
    return True


def _relate(edit: Edit, items: Sequence[Item], one: int, kind: RelationKind, other: int) -> bool:
    """Take a thing, with what it has on, from where it is, and put it in a relation to another."""
    end = unit_end(items, one) if items[one].joint not in ("wearing", "with") else one + 1
    if one <= other < end:
        return False
    unit = list(items[one:end])
    rest = removed_unit(items, one, end)
    target = other if other < one else other - (end - one)
    phrase = unit[0].thing.phrase
    changed, at = related(rest, unit, kind, target)
    edit.take(changed, at)
    edit.it = edit.latest = phrase
    return True


def removed_unit(items: Sequence[Item], at: int, end: int) -> list[Item]:
    """Take a thing out with all it has on; what was joined to it keeps together."""
    rest = list(items[end:])
    if at == 0 and rest:
        rest[0] = replace(rest[0], joint="and")
    elif rest and rest[0].joint == "and" and items[at].joint not in ("and", "inside", "on", "wearing", "with"):
        rest[0] = replace(rest[0], joint=items[at].joint)
    return [*items[:at], *rest]


def _target(edit: Edit, words: Sequence[str]) -> tuple[Found | None, str]:
    """Return the thing that words name, and how a part of it holds: of "its head", the dog and "on"."""
    said = phrases()
    inner = list(words)
    if len(inner) > 1 and inner[-1] in said.parts["on"] | said.parts["hold"]:
        how = "hold" if inner[-1] in said.parts["hold"] else "on"
        owner = [word.removesuffix("'s").removesuffix("'") for word in inner[:-1]]
        if owner[0] in ("its", "his", "her", "their", "the") and len(owner) == 1:
            return edit.find(["it"]), how
        if found := edit.find(owner):
            return found, how
    if len(inner) > 2 and "of" in inner[1:-1]:  # "on the head of the dog"
        at = inner.index("of")
        if inner[at - 1] in said.parts["on"] | said.parts["hold"] and (found := edit.find(inner[at + 1 :])):
            return found, "hold" if inner[at - 1] in said.parts["hold"] else "on"
    return edit.find(inner), ""


def put_new(edit: Edit, new: Sequence[Item], kind: RelationKind, right: Sequence[str]) -> bool:
    """Put a new thing in a relation to one that is there, or that is new as well."""
    if kind in ("on", "inside") and right and set(right) - ARTICLES <= _PLACEHOLDERS and edit.find(right) is None:
        items, at = added(edit.items, new[0].thing)
        edit.take(items, at)
        return True
    found, part = _target(edit, right) if right else (edit.find(["it"]), "")
    if found is None:
        thing = edit.thing_of(right)
        if thing is None:
            return False
        if right[0] in ("the", "that") and not is_place(thing[0].thing) and thing[0].thing.phrase not in edit.names:
            return False  # "behind the wheel": a part of what is there, or nothing that is known
        if is_place(thing[0].thing) and kind in ("on", "inside"):
            items, _ = added(edit.items, new[0].thing)
            edit.take(surrounded(items, kind, thing[0].thing))
        else:
            rest = [replace(edit.items[0], joint="and"), *edit.items[1:]] if edit.items else []
            edit.take([*new, Item(kind, thing[0].thing), *thing[1:], *rest])
        edit.it = edit.latest = new[0].thing.phrase
        return True
    at = found.places[0]
    target = found.items[at].thing
    existing = next(
        (
            place
            for place, item in enumerate(found.items)
            if replace(item.thing, count=1) == replace(new[0].thing, count=1)
        ),
        None,
    )
    if existing is not None and kind == "beside" and existing == at:  # "another frog next to it"
        items, at = added(found.items, new[0].thing)
        edit.take(items, at)
        return True
    if part == "hold" or kind == "with" or (kind == "on" and is_garment(new[0].thing) and not is_place(target)):
        items, at = held(found.items, at, new[0].thing)
    elif kind == "inside" and is_place(target):
        items, at = added(found.items, new[0].thing)
    else:
        items, at = related(found.items, new, kind, at)
    edit.take(items, at)
    return True


def put(edit: Edit, words: Sequence[str]) -> bool:
    """Do what "put", "move" and the like ask for; the words are those behind the verb."""
    said = phrases()
    words = list(words)
    if words[-1:] in (["apart"], ["together"]):
        return False
    if between := _between(edit, words):
        return between
    if ends_openly(words):
        named = next((edit.find(words[:cut]) for cut in (-1, -2, -3) if words[:cut] and edit.find(words[:cut])), None)
        if named is None:
            return put_to_all(edit, words)
    words = _without_degree(words)
    cut = frame_cut(words)
    if cut is not None and (not words[:cut] or (named := edit.find(words[:cut]))):
        place = frame_of(words[cut:])
        assert place is not None
        found = (
            named
            if words[:cut]
            else (
                edit.find([edit.latest])
                if edit.latest and edit.place_of(edit.latest) is not None
                else edit.find(["it"])
            )
        )
        return found is not None and moved_in_frame(edit, found, place)
    parts = parted(words)
    if parts is None:
        thing = edit.thing_of(words, bare=True)
        return bool(thing) and holding.add_things(edit, words)
    left, kind, _, right = parts
    if right and right[-1] in BACKGROUND_WORDS:
        inner = [word for word in right if word not in ARTICLES]
        if len(inner) == 1 and left and left[0] in said.indefinite and put_behind_all(edit, left):
            return True
        return looks.backed(edit, left) if len(inner) == 1 else looks.backed(edit, right)
    if left and left[0] == "on" and not right:
        return False
    if not left and kind == "on" and right and edit.find(right) is None:  # "put on a hat"
        thing = edit.thing_of(right)
        if thing is not None and not is_garment(thing[0].thing):
            return settle(edit, kind, right)
        return thing is not None and holding.give(edit, ["it", *right])
    text = " ".join(left)
    if text in said.whole or (
        [w for w in left if w not in ARTICLES] and " ".join(w for w in left if w not in ARTICLES) in said.whole
    ):
        return settle(edit, kind, right)
    found = edit.find(left) if left else None
    new = left and left[0] in said.indefinite
    if found is not None and not (new and left[0] not in ("one", "my")):
        return move(edit, found, kind, right, pronoun=text in said.it | said.them)
    thing = edit.thing_of(left) if left else None
    if thing is None:
        return False
    if left[0] in ("the", "that", "this") and not edit.knows(left[1:]):
        raise NotThere(f'there is no {thing[0].thing.phrase} in the picture to put anywhere; say "add a ..."')
    if frame := (frame_of([parts.said, *right]) if right else None):
        items, at = added(edit.items, thing[0].thing)
        edit.take([*items[: at + 1], *thing[1:], *items[at + 1 :]], at)
        return moved_in_frame(edit, Found(edit.items, [at]), frame)
    return put_new(edit, thing, kind, right)


def add_to_side(edit: Edit, words: Sequence[str]) -> bool:
    """Add a thing in a corner or on a side that takes several words: "a moon up top on the left"."""
    cut = frame_cut(words)
    if not cut or words[cut] in TO or not edit.items:
        return False
    place, thing = frame_of(words[cut:]), edit.thing_of(words[:cut], bare=True)
    if place is None or thing is None:
        return False
    items, at = added(edit.items, thing[0].thing)
    edit.take([*items[: at + 1], *thing[1:], *items[at + 1 :]], at)
    return moved_in_frame(edit, Found(list(edit.items), [at]), place)


def put_one_more(edit: Edit, new: Sequence[Item], place: str) -> bool:
    """Put one more of a thing on a side of what it stands beside: those that are there stay where they are.

    Args:
        edit: of the picture.
        new: the thing.
        place: as ``frame_of`` returns it.
    """
    kind = _SIDE_OF.get(place)
    alike = [at for at, item in enumerate(edit.items) if item.thing.phrase == new[0].thing.phrase]
    others = [at for at in range(len(edit.items)) if at not in alike and not is_setting(edit.items, at)]
    if kind is None or not alike or not others:
        return False
    anchor = bearer(edit.items, others[0])
    items, at = related(edit.items, new, kind, anchor)
    edit.take(items, at)
    return True


def put_beside_owner(edit: Edit, words: Sequence[str]) -> bool:
    """Put what somebody gets where the words say: "him a broom on the right", "the dog a ball to the left"."""
    cut = frame_cut(words)
    said = phrases().indefinite
    new = next((at for at, word in enumerate(words) if at and word in said), None)
    if cut is None or new is None or new >= cut:
        return False
    place, owner = frame_of(words[cut:]), edit.find(words[:new])
    kind = _SIDE_OF.get(place or "")
    thing = edit.thing_of(words[new:cut])
    if kind is None or owner is None or thing is None:
        return False
    items, at = related(owner.items, thing, kind, bearer(owner.items, owner.places[0]))
    edit.take(items, at)
    return True


def _without_degree(words: Sequence[str]) -> list[str]:
    """Leave out how far: of "the ship a bit to the right", "a bit"."""
    text = _DEGREE.sub("", f" {' '.join(words)}")
    return text.split()


def _unit(items: Sequence[Item], at: int) -> list[Item]:
    """Return a thing with what it wears and holds, and what is on it or in it."""
    first = at
    while first and items[first].joint in ("on", "inside"):
        first -= 1
    return list(items[first : unit_end(items, at)])


def _between(edit: Edit, words: Sequence[str]) -> bool:
    """Put something between two things: "a table between them", "the tree between the dog and the cat"."""
    if "between" not in words:
        return False
    at = list(words).index("between")
    found, there = edit.find(words[at + 1 :]), edit.find(words[:at]) if words[0] in phrases().definite else None
    if found is None or len(found.places) != 2:
        return False
    items, places = found.items, found.places
    if there is None:
        middle = edit.thing_of(words[:at])
    elif len(there.places) != 1 or there.places[0] in places or there.items != items:
        return False
    else:
        middle = _unit(items, there.places[0])
    if middle is None:
        return False
    return _put_between(edit, items, middle, places)


def _put_between(edit: Edit, items: Sequence[Item], middle: Sequence[Item], places: Sequence[int]) -> bool:
    """Put a thing, with what it has on, to the right of the first of two others and to the left of the second."""
    units = [_unit(items, place) for place in places]
    taken = [id(item) for unit in (*units, middle) for item in unit]
    if len(set(taken)) < len(taken):
        return False  # one of them is on the other
    rest = [item for item in items if id(item) not in taken]
    edit.take(
        [
            replace(units[0][0], joint="and"),
            *units[0][1:],
            replace(middle[0], joint="left of"),
            *middle[1:],
            replace(units[1][0], joint="left of"),
            *units[1][1:],
            *rest,
        ]
    )
    edit.it = edit.latest = middle[0].thing.phrase
    return True


def move(edit: Edit, found: Found, kind: RelationKind, right: Sequence[str], *, pronoun: bool = False) -> bool:
    """Move a thing of the picture: to another one, or on, behind ... something new."""
    if not right and len(found.items) > 1 and kind in INVERSE:  # "the tree should be behind"
        other = next((at for at in range(len(found.items)) if at not in found.places), None)
        return other is not None and _relate(edit, found.items, found.places[0], kind, other)
    target, part = _target(Edit(edit.scene, found.items, edit.names, edit.known, edit.it, edit.latest), right)
    if target is not None and len(target.items) == len(found.items):
        if part == "hold" or (kind == "on" and is_garment(found.items[found.places[0]].thing)):
            at = found.places[0]
            end = unit_end(found.items, at) if found.items[at].joint not in ("wearing", "with") else at + 1
            if at <= target.places[0] < end:
                return False  # on itself, or on what is on it
            rest = removed_unit(found.items, at, end)
            other = target.places[0] if target.places[0] < at else target.places[0] - (end - at)
            items, place = held(rest, other, found.items[at].thing)
            edit.take(items, place)
            return True
        anchor = target.places[0]
        if target.items[anchor].joint == "wearing" and bearer(target.items, anchor) != found.places[0]:
            anchor = bearer(target.items, anchor)  # what is on somebody's hat is on who wears it
        return _relate(edit, target.items, found.places[0], kind, anchor)
    free = [
        at
        for at, item in enumerate(found.items)
        if item.joint not in ("wearing", "with") and not is_setting(found.items, at)
    ]
    alone = len(free) <= 1 or len(found.places) == len(free)
    if pronoun or alone:
        edit.take(found.items)
        return settle(edit, kind, right)
    thing = edit.thing_of(right)
    if thing is None:
        return False
    if is_place(thing[0].thing):
        return settle(edit, kind, right)
    at = bearer(found.items, found.places[0])
    end = unit_end(found.items, at)
    rest = removed_unit(found.items, at, end)
    if kind in INVERSE and kind != "beside":
        edit.take(surrounded(found.items, kind, thing[0].thing), None)
        return True
    unit = [replace(found.items[at], joint="and"), *found.items[at + 1 : end]]
    edit.take(
        [*unit, Item(kind, thing[0].thing), *thing[1:], *([replace(rest[0], joint="and"), *rest[1:]] if rest else [])]
    )
    return True


def settle(edit: Edit, kind: RelationKind, right: Sequence[str]) -> bool:
    """Put all of the picture on, in, behind ... something new."""
    if looks.timed(edit, right):
        return True
    thing = edit.thing_of(right)
    if thing is None:
        return False
    if kind == "inside" and is_garment(thing[0].thing):
        items, at = held(edit.items, edit.main, thing[0].thing)
        edit.take(items, at)
        return True
    edit.take([*surrounded(edit.items, kind, thing[0].thing), *thing[1:]])
    return True


def put_behind_all(edit: Edit, words: Sequence[str]) -> bool:
    """Put a thing that has a picture of its own behind what there is: "a volcano in the background"."""
    thing = edit.thing_of(words, bare=True) if edit.items else None
    if not thing or len(thing) > 1 or thing[0].thing.phrase not in edit.names:
        return False
    return put_new(edit, thing, "behind", [])


def ends_openly(words: Sequence[str]) -> bool:
    """Tell whether words end with a place without a thing: "a candle on top", "a cow underneath"."""
    top = len(words) > 2 and list(words[-2:]) in (["on", "top"], ["in", "front"])
    return top or (len(words) > 1 and words[-1] in ("underneath", "below", "above", "behind", "beneath", "beside"))


def direction_of(words: Sequence[str]) -> RelationKind | None:
    """Return the relation that words say without the other thing: of "in front", and of "underneath"."""
    open_words: dict[str, RelationKind] = {
        "in front": "in front of", "behind": "behind", "above": "above", "below": "below", "underneath": "below",
        "beneath": "below",
    }  # fmt: skip
    return open_words.get(" ".join(words))


def put_to_all(edit: Edit, words: Sequence[str]) -> bool:
    """Put a new thing on, under ... what there is: of "a candle on top"."""
    inner = list(words)
    last = inner.pop()
    kind: dict[str, RelationKind] = {"top": "on", "front": "in front of", "underneath": "below", "beneath": "below"}
    while inner and inner[-1] in ("on", "in", "the", "at", "right"):
        inner.pop()
    thing = edit.thing_of(inner, bare=True) if inner else None
    return thing is not None and put_new(edit, thing, kind.get(last, last), [])  # type: ignore[arg-type]


def swapped(edit: Edit, first: Found, second_place: int) -> bool:
    """Let two things change places."""
    items = first.items
    one, other = sorted((bearer(items, first.places[0]), bearer(items, second_place)))
    if one == other:
        return False
    ends = unit_end(items, one), unit_end(items, other)
    a = [replace(items[other], joint=items[one].joint), *items[other + 1 : ends[1]]]
    b = [replace(items[one], joint=items[other].joint), *items[one + 1 : ends[0]]]
    edit.take([*items[:one], *a, *items[ends[0] : other], *b, *items[ends[1] :]])
    return True


def swap_all(edit: Edit) -> bool:
    """Let the two things of the picture change places."""
    free = [
        at
        for at, item in enumerate(edit.items)
        if item.joint not in ("wearing", "with") and not is_setting(edit.items, at)
    ]
    if len(free) == 1 and edit.items[free[0]].thing.count == 2:
        raise CannotChange(f"both are a {edit.items[free[0]].thing.phrase}, so nothing would change")
    return len(free) == 2 and swapped(edit, Found(list(edit.items), [free[0]]), free[1])
