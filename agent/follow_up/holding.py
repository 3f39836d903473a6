"""What comes in: things that others wear and hold, and things that are added beside the others."""

from collections.abc import Sequence
from dataclasses import replace

from imagerag.agent.follow_up import looks
from imagerag.agent.follow_up.edit import Edit
from imagerag.agent.follow_up.phrases import phrases
from imagerag.agent.follow_up.scene_edit import (
    Item,
    added,
    held,
    is_garment,
    is_place,
    is_setting,
    removed,
    surrounded,
    unit_end,
)
from imagerag.agent.follow_up.things import Found
from imagerag.prompt_grammar.vocabulary import ARTICLES, BACKGROUND_WORDS, GARMENTS

PARTS_OF_FACES = frozenset(["eyes", "eye", "ear", "nose", "mouth", "tongue", "lips", "face"])
"""What a thing has of its own: another pair of eyes beside it is not what "give it blue eyes" asks for."""
_IN_THE_SKY = frozenset(["moon", "planet", "star"])
"""Places that are things to be seen where they are added to a picture: "add the moon"."""


def give(edit: Edit, words: Sequence[str]) -> bool:
    """Do what "give it a hat" and "dress the dog in a suit" ask for; the words are those behind the verb."""
    said = phrases()
    if "to" in words[1:-1]:  # "the dog to the girl"
        at = list(words).index("to")
        owner = edit.find(words[at + 1 :])
        if owner is not None and words[0] == "the":
            return hold_listed(edit, owner, list(words[:at]))
    first = next((at for at, word in enumerate(words) if at and word in ("a", "an", "some")), 0)
    for cut in [*([first] if first else []), *range(len(words) - 1, 0, -1)]:  # what is given begins with its article
        rest = list(words[cut:])
        if words[cut - 1] in ARTICLES and not (cut == 1 and words[0] in phrases().it):
            continue  # "the frog" is no frog that gets something, and the fish behind none to give
        if rest[0] not in said.indefinite | {"in", "with", "glasses", "sunglasses"} and not (
            edit.knows(rest) and not _begins_with_verb(edit, rest)
        ):
            continue
        if rest[0] in ("in", "with") and len(rest) > 1:
            rest = rest[1:]
        target = [word for word in words[:cut] if word != "to"]
        found = edit.find(target)
        if found is None:
            continue
        if looks.coloured(edit, found, rest):
            return True
        if rest[-1] in BACKGROUND_WORDS:
            return looks.backed(edit, rest)
        several = len(found.places) > 1 and rest[0] in ("a", "an") and not any(word in GARMENTS for word in rest)
        if several and add_things(edit, rest):  # "give them a dog": one for both
            return True
        if hold_listed(edit, found, rest, bare=False):
            return True
    return False


def _begins_with_verb(edit: Edit, words: Sequence[str]) -> bool:
    """Tell whether words without an article are somebody's action: the "breathes fire" of a dragon that does so."""
    text = " ".join(words)
    return len(words) > 1 and text not in edit.known and words[0].endswith("s") and not words[0].endswith("ss")


def hold_listed(edit: Edit, found: Found, words: Sequence[str], *, bare: bool = True, worn: bool = False) -> bool:
    """Let things wear or hold all that is listed: "a hat and a scarf"; ``worn`` where the words say that they do."""
    if words[0] == "the" and (there := edit.find(words)) is not None:
        return _taken(edit, found, there, worn=worn)
    things = [edit.thing_of(one, bare=bare) for one in listed(words)]
    if not things or any(thing is None or thing[0].thing.phrase.split()[-1] in PARTS_OF_FACES for thing in things):
        return False
    phrase = found.items[found.places[0]].thing.phrase
    for thing in things:
        hold(edit, found, thing or (), worn=worn)
        again = edit.place_of(phrase)
        found = Found(list(edit.items), [again or 0]) if len(found.places) == 1 else found
    return True


def _taken(edit: Edit, found: Found, there: Found, *, worn: bool) -> bool:
    """Let a thing wear or hold one that is in the picture already."""
    owner, at = found.places[0], there.places[0]
    if len(there.items) != len(found.items) or owner == at or unit_end(there.items, at) > at + 1:
        return False
    thing = there.items[at].thing
    items, place = held(removed(there.items, at), owner - (at < owner), thing, worn=worn)
    edit.take(items, place)
    return True


def listed(words: Sequence[str]) -> list[list[str]]:
    """Part a list at its commas and "and"."""
    lists: list[list[str]] = [[]]
    for word in words:
        if word in ("and", ",", "&", "+", "plus"):
            lists.append([])
        else:
            lists[-1].append(word)
    return [one for one in lists if one]


def hold(edit: Edit, found: Found, new: Sequence[Item], *, worn: bool = False) -> None:
    """Let things wear or hold a new one; of several, each its own."""
    items = list(found.items)
    at = found.places[0]
    many = new[0].thing
    worn_already = [
        place
        for place in range(at + 1, unit_end(items, at))
        if items[place].thing.phrase == many.phrase and items[place].joint == "wearing"
    ]
    if len(found.places) == len(worn_already) == 1 and many != items[worn_already[0]].thing:  # the same in another look
        items[worn_already[0]] = replace(items[worn_already[0]], thing=many)
        edit.take(items, worn_already[0])
        return
    if len(found.places) == 1 and found.items[at].thing.count > 1 and many.count > 1:
        new = [replace(new[0], thing=replace(many, count=1)), *new[1:]]  # "give them hats": the first one's is drawn
    each = len(found.places) if new[0].thing.count in (1, len(found.places)) or new[0].thing.count == 2 else 1
    thing = replace(new[0].thing, count=1) if each > 1 else new[0].thing
    last = at
    for place in reversed(found.places if each > 1 else [at]):
        items, last = held(items, place, thing, worn=worn)
    edit.take(items, last)


def add_things(edit: Edit, words: Sequence[str]) -> bool:
    """Add what is listed: "a hat, a scarf and two balls"."""
    things = [edit.thing_of(one, bare=True) for one in listed(words)]
    if not things or any(thing is None for thing in things):
        return False
    for thing in things:
        assert thing is not None
        bare = (words[0] not in phrases().indefinite or words[0] == "some") and thing[0].thing.phrase not in _IN_THE_SKY
        if bare and is_place(thing[0].thing) and len(thing) == 1 and edit.items:
            edit.take(surrounded(edit.items, "inside", thing[0].thing))
            edit.latest = thing[0].thing.phrase
            continue
        if is_garment(thing[0].thing) and (wearer := _only_wearer(edit)) is not None:
            hold(edit, Found(list(edit.items), [wearer]), thing, worn=True)
            continue
        items, at = added(edit.items, thing[0].thing)
        edit.take([*items[: at + 1], *thing[1:], *items[at + 1 :]], at)
    return True


def _only_wearer(edit: Edit) -> int | None:
    """Return the place of the only thing that can have something on; a garment that is added is on it."""
    free = [
        at
        for at, item in enumerate(edit.items)
        if not is_setting(edit.items, at) and item.joint not in ("wearing", "with")
    ]
    only = len(free) == 1 and edit.items[free[0]].thing.count == 1 and not is_garment(edit.items[free[0]].thing)
    return free[0] if only else None
