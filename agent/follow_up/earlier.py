"""Changes that are said in terms of the pictures before: "him too", "the banana back", "the other way round"."""

import re
from collections.abc import Sequence
from dataclasses import replace

from imagerag.agent.follow_up import holding, placing
from imagerag.agent.follow_up.edit import Edit
from imagerag.agent.follow_up.phrases import phrases, starts_with
from imagerag.agent.follow_up.scene_edit import Item, added, bearer, items_of
from imagerag.agent.follow_up.sides import frame_cut, frame_of
from imagerag.agent.follow_up.things import Found, find, matching
from imagerag.prompt_grammar.noun_phrase import SceneObject
from imagerag.prompt_grammar.scene import Scene

_BACK = re.compile(
    r"(?:(?:i want|i need|i would like|i'd like|i miss|put|bring|give me|give|get|add|take|return|restore|have|draw)"
    r"(?: back)? )?(?P<what>(?:the|his|her|its|their|my|that|those) [\w' -]+?)"
    r"(?: back| again)?(?: (?:in|on|on (?:him|her|it|them)|there|again))?"
)
_SAYS_BACK = frozenset(["back", "again", "restore", "return"])
_ONE_MORE = (["one"], ["another"], ["another", "one"], ["a", "second", "one"], ["a", "second"], ["one", "more"])
_MEANT = re.compile(
    r"(?:(?:no|nope|sorry|oops|wait|ah|oh|hmm)(?: ,)? )*(?:but )?"
    r"(?:(?:i (?:actually |really )?(?:meant?|said)|i was talking about|"
    r"not (?:on |for )?the [\w -]+? ,(?: but)?(?: i meant?)?) |(?<=no )|(?<=no , ))"
    r"(?:on |for )?the (?P<one>[\w -]+?)(?: one)?"
    r"(?:(?: ,)?(?: and| but)? (?:not|instead of|rather than) (?:on |for )?the [\w -]+)?"
)
"""A correction that names what was meant, and not what for: "no, i meant the cat, not the dog"."""
_NEXT_EXCHANGE = re.compile(r"and (?P<old>the [\w -]+?) (?:by|with|for|to|into) (?P<new>an? [\w -]+)")
"""A second exchange, without its verb."""
_THE_OTHER = ("the other one", "the other", "other one", "the other one instead", "the other instead")
REVERSED = ("the other way round", "other way round", "other way around", "the other way around")


def read_reversed(edit: Edit, words: Sequence[str]) -> bool:
    """Read "the other way round": of two sizes or colours that were said last, or else of two places."""
    if " ".join(words) not in REVERSED:
        return False
    changed = _last_looks(edit)
    if len(changed) == 2:
        one, other = changed
        items = list(edit.items)
        first, second = items[one].thing, items[other].thing
        items[one] = replace(items[one], thing=replace(first, size=second.size, colour=second.colour))
        items[other] = replace(items[other], thing=replace(second, size=first.size, colour=first.colour))
        edit.take(items, one)
        return True
    return placing.swap_all(edit)


def _last_looks(edit: Edit) -> list[int]:
    """Return the places of the things that the last change has given another size or colour."""
    return [
        at
        for at, item in enumerate(edit.items)
        if (old := _as_before(edit, at)) and (old.size, old.colour) != (item.thing.size, item.thing.colour)
    ]


def _as_before(edit: Edit, at: int) -> SceneObject | None:
    """Return a thing as it was before the last change; ``None`` where it was not there, or can't be told."""
    old = items_of(edit.before) if edit.before else []
    phrase = edit.items[at].thing.phrase
    if [item.thing.phrase for item in old] == [item.thing.phrase for item in edit.items]:
        return old[at].thing
    alike = [item.thing for item in old if item.thing.phrase == phrase]
    return alike[0] if len(alike) == 1 else None


def read_other(edit: Edit, words: Sequence[str]) -> bool:
    """Read "no, the other one": what the last change has given one thing, another was meant to get."""
    changed = _last_looks(edit) if " ".join(words) in _THE_OTHER and not edit.changed else []
    old = _as_before(edit, changed[0]) if len(changed) == 1 else None
    if old is None:
        return False
    items = list(edit.items)
    new = items[changed[0]].thing
    others = [at for at in range(len(items)) if at not in changed and items[at].joint not in ("wearing", "with")]
    alike = [at for at in others if items[at].thing.phrase == new.phrase] or others
    if len(alike) != 1:
        return False
    _exchange_looks(edit, changed[0], old, alike[0])
    return True


def read_meant(edit: Edit, words: Sequence[str]) -> bool:
    """Read "i meant the cat": what the last change has done to another thing, this one was meant to get."""
    said = _MEANT.fullmatch(" ".join(words).strip(" .!,"))
    found = edit.find(["the", *said["one"].split()]) if said and not edit.changed else None
    if said is None or found is None or found.pronoun or len(found.places) != 1 or len(found.items) != len(edit.items):
        return False
    changed, (meant,) = _last_looks(edit), found.places
    old = _as_before(edit, changed[0]) if len(changed) == 1 and changed[0] != meant else None
    if old is not None:
        _exchange_looks(edit, changed[0], old, meant)
        return True
    place = edit.place_of(edit.newest) if edit.newest else None
    if place is None or edit.items[place].joint not in ("wearing", "with") or bearer(edit.items, place) == meant:
        return False
    return edit.read(["put", "the", *edit.newest.split(), "on", "the", *said["one"].split()])


def named_in_correction(words: Sequence[str]) -> list[str]:
    """Return the key of "i mean the key", which names what an earlier request was meant for; empty of other words."""
    said = _MEANT.fullmatch(" ".join(words).strip(" .!,"))
    return said["one"].split() if said else []


def _exchange_looks(edit: Edit, at: int, old: SceneObject, other: int) -> None:
    """Let a thing be as it was, and another get the colour and size that it has got."""
    items = list(edit.items)
    new, meant = items[at].thing, items[other].thing
    colour = new.colour if new.colour != old.colour else meant.colour
    size = new.size if new.size != old.size else meant.size
    items[at] = replace(items[at], thing=old)
    items[other] = replace(items[other], thing=replace(meant, colour=colour, size=size))
    edit.take(items, other)


def read_likewise(edit: Edit, words: Sequence[str]) -> bool:
    """Do to the thing that is named what the last change has done to another: "him too", "the chicken as well"."""
    found = edit.find(words) if words and words[0] not in phrases().indefinite else None
    if found is None or edit.before is None or edit.changed:
        return False
    changed = [at for at in _last_looks(edit) if at not in found.places]
    if changed:
        thing = edit.items[changed[-1]].thing
        old = _as_before(edit, changed[-1]) or thing
        items = list(found.items)
        for at in found.places:
            colour = thing.colour if thing.colour != old.colour else items[at].thing.colour
            size = thing.size if thing.size != old.size else items[at].thing.size
            items[at] = replace(items[at], thing=replace(items[at].thing, colour=colour, size=size))
        edit.take(items, found.places[0])
        return True
    place = edit.place_of(edit.newest) if edit.newest else None
    if place is None or edit.items[place].joint not in ("wearing", "with"):
        return False
    if bearer(edit.items, place) in found.places:
        return False
    item = edit.items[place]
    holding.hold(edit, found, [replace(item, joint="and", verb=None)], worn=item.joint == "wearing")
    return True


def read_next_exchange(edit: Edit, words: Sequence[str]) -> bool:
    """Read "and the pig by a goat" behind a request that has put one thing in the place of another."""
    found = _NEXT_EXCHANGE.fullmatch(" ".join(words))
    if found is None or edit.changed or edit.before is None:
        return False
    old = {thing.phrase for thing in edit.before.objects}
    now = {item.thing.phrase for item in edit.items}
    exchanged = len(old - now) == len(now - old) == 1
    return exchanged and edit.read(["replace", *found["old"].split(), "with", *found["new"].split()])


def read_one_more(edit: Edit, words: Sequence[str]) -> bool:
    """Read "one on the mouse", said when the request before has added a hat, and "another cow on the right"."""
    if _one_more_on_side(edit, words):
        return True
    parts = placing.parted(words)
    place = edit.place_of(edit.newest or edit.latest) if edit.newest or edit.latest else None
    if parts is None or place is None or parts.left not in _ONE_MORE or edit.find(parts.right) is None:
        return False
    return placing.put_new(edit, [Item("and", replace(edit.items[place].thing, count=1))], parts.kind, parts.right)


def _one_more_on_side(edit: Edit, words: Sequence[str]) -> bool:
    bare = list(words[starts_with(words, phrases().verbs["add"]) :])
    cut = frame_cut(bare)
    place = frame_of(bare[cut:]) if cut else None
    latest = edit.place_of(edit.newest or edit.latest) if edit.newest or edit.latest else None
    if not cut or place is None:
        return False
    if bare[:cut] in _ONE_MORE and latest is not None:
        new = [Item("and", replace(edit.items[latest].thing, count=1))]
        return placing.put_one_more(edit, new, place)
    if bare[0] != "another" and bare[1:2] not in ([ordinal] for ordinal in phrases().ordinals):
        return False
    named = edit.thing_of(["a", *(word for word in bare[1:cut] if word not in phrases().ordinals)])
    return named is not None and len(named) == 1 and placing.put_one_more(edit, named, place)


def read_back(edit: Edit, words: Sequence[str]) -> bool:
    """Read "i want the banana back" of a picture that an earlier one with a banana has led to."""
    found = _BACK.fullmatch(" ".join(words))
    if found is None or not _SAYS_BACK & set(words) or edit.find(found["what"].split()) is not None:
        return False
    named = found["what"].split()
    for scene in reversed(edit.past):
        items = items_of(scene)
        there = find(named, items, 0) if items else None
        if there is None or there.pronoun or len(there.places) != 1 or len(there.items) != len(items):
            continue
        at = there.places[0]
        if edit.before is scene and _all_but(scene, at) == _kinds(edit.items):
            edit.scene = scene
            edit.take(items, at)
            return True
        return _again(edit, items, at)
    return False


def _kinds(items: Sequence[Item]) -> list[SceneObject]:
    return sorted((item.thing for item in items), key=repr)


def _all_but(scene: Scene, place: int) -> list[SceneObject]:
    return _kinds([item for at, item in enumerate(items_of(scene)) if at != place])


def _again(edit: Edit, items: Sequence[Item], at: int) -> bool:
    """Add a thing of an earlier picture: to who had it, if that is there, or beside the others."""
    item = replace(items[at], verb=None)
    owner = matching(items[bearer(items, at)].thing.phrase.split(), edit.items)
    if item.joint in ("wearing", "with") and owner:
        worn = item.joint == "wearing"
        holding.hold(edit, Found(list(edit.items), owner[:1]), [replace(item, joint="and")], worn=worn)
        return True
    changed, place = added(edit.items, item.thing)
    edit.take(changed, place)
    return True
