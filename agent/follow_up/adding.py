"""What is to come in, and where: "add a cat", "give it a hat", "put a tree behind it", "there should be a moon"."""

from collections.abc import Sequence
from dataclasses import replace

from imagerag.agent.follow_up import holding, looks, placing, sides, sizes
from imagerag.agent.follow_up.clauses import behind_verb, owner_of, points_back
from imagerag.agent.follow_up.counting import read_count
from imagerag.agent.follow_up.edit import Edit
from imagerag.agent.follow_up.phrases import phrases, starts_with
from imagerag.agent.follow_up.removing import keep_only
from imagerag.agent.follow_up.scene_edit import INVERSE, is_garment
from imagerag.agent.follow_up.things import Found
from imagerag.prompt_grammar.vocabulary import ARTICLES, BACKGROUND_WORDS, number_of

_POSTURES = frozenset(
    "flying hovering floating standing sitting lying hanging swimming running walking "  # noqa: SIM905
    "jumping sleeping waiting resting leaning dancing climbing playing".split()
)
"""How a thing is where the words behind say, in "a dragon flying over it"."""


def read_wish(edit: Edit, words: Sequence[str]) -> bool:
    said = phrases()
    length = starts_with(words, said.wishes)
    if not length or length == len(words):
        return False
    wish, rest = " ".join(words[:length]), list(words[length:])
    rest = rest[1:] if rest[0] == "that" and len(rest) > 2 else rest
    if wish.startswith("there") or wish in ("how about", "what about", "i miss", "it lacks"):
        return read_count(edit, rest) or edit.read(rest) or edit.read(["add", *rest])
    if wish.endswith(("be", "look")):
        return edit.read(["make", "it", *rest])
    if wish.endswith(("it have", "needs", "had")) or wish.startswith(
        ("it should have", "can it have", "could it have")
    ):
        return read_count(edit, rest) or edit.read(["give", "it", *rest])
    if rest[:2] == ["it", "with"] and len(rest) > 2:
        return edit.read(rest[1:])
    if rest[:2] == ["it", "to"] and len(rest) > 2:
        return edit.read(["it", "should", *rest[2:]])
    if rest[0] in ("only", "just") or "only" in wish or "just" in wish:
        return keep_only(edit, rest[1:] if rest[0] in ("only", "just") else rest)
    if as_look(edit, rest):
        return True
    if rest[0] in said.indefinite or number_of(rest[0]):
        return read_count(edit, rest) or edit.read(["add", *rest])
    return edit.read(rest) or (edit.knows(rest) and edit.read(["add", *rest])) or edit.read(["make", *rest])


def as_look(edit: Edit, words: Sequence[str]) -> bool:
    """Read "a red ferry", wished for of a picture with one ferry, as a wish for that one in red."""
    if words[0] not in ("a", "an", "one"):
        return False
    new = edit.thing_of(words)
    if new is None or len(new) != 1 or new[0].thing.colour is None:
        return False
    alike = [at for at, item in enumerate(edit.items) if item.thing.phrase == new[0].thing.phrase]
    if len(alike) != 1 or edit.items[alike[0]].thing.count != 1:
        return False
    return looks.coloured(edit, Found(list(edit.items), alike), new[0].thing.colour.split())


def as_described(edit: Edit, words: Sequence[str]) -> bool:
    """Let a thing of the picture be as "with a white unicorn" and "with two trees" describe it.

    That is so where the picture has one such thing; with none, or several, the words say what is to be added.
    """
    new = edit.thing_of(words) if words and words[0] in phrases().indefinite else None
    if new is None or len(new) != 1 or words[0] in ("another", "more", "my", "our"):
        return False
    thing = new[0].thing
    alike = [at for at, item in enumerate(edit.items) if item.thing.phrase == thing.phrase]
    if len(alike) != 1:
        return False
    old = edit.items[alike[0]].thing
    found = Found(list(edit.items), alike)
    if thing.count != old.count:
        size = old.size if thing.size == "normal" else thing.size
        many = replace(old, count=thing.count, colour=thing.colour or old.colour, size=size)
        items = list(edit.items)
        items[alike[0]] = replace(items[alike[0]], thing=many)
        edit.take(items, alike[0])
        return True
    if thing.count > 1 or (thing.colour, thing.size) == (None, "normal") or old.colour == thing.colour:
        return False
    if thing.colour is not None:
        return looks.coloured(edit, found, thing.colour.split())
    return sizes.sized(edit, found, [thing.size])


def read_addition(edit: Edit, words: Sequence[str]) -> bool:
    said = phrases()
    rest = behind_verb(words, "add")
    if rest is None and words[0] in ("get", "draw", "+", "adding", "bring", "have", "show", "paint", "see", "use"):
        rest = list(words[1:])
        rest = rest[1:] if rest[:1] in (["me"], ["us"]) else rest
        open_place = words[0] == "have" and placing.ends_openly(rest)
        if (
            words[0] in ("draw", "paint", "show", "see", "have", "use")
            and not open_place
            and (not points_back(edit, rest) or rest[0] not in said.indefinite)
        ):
            return False
    if not rest:
        return False
    if rest[0] == "it" or rest[:2] == ["to", "it"]:
        return holding.give(edit, rest)
    if rest[:1] == ["a"] and rest[1:2] in (["bit"], ["little"]):
        return False
    while rest and rest[-1] in ("there", "in"):
        rest = rest[:-1]
    if rest[-2:] in (["to", "it"], ["to", "this"]) and rest[-3:-2] not in (["next"], ["close"]):
        rest = rest[:-2]
    if placing.ends_openly(rest):
        return placing.put_to_all(edit, rest)
    if placing.add_to_side(edit, rest) or (words[0] == "with" and as_described(edit, rest)):
        return True
    if (parts := placing.parted(rest)) is not None and parts.left and parts.right:
        text = " ".join(word for word in parts.right if word not in ARTICLES)
        if text in BACKGROUND_WORDS and (behind := placing.put_behind_all(edit, parts.left)):
            return behind
        if text in BACKGROUND_WORDS:
            return looks.backed(edit, parts.left)
        if text in said.whole and parts.kind in INVERSE:
            thing = edit.thing_of(parts.left, bare=True)
            return thing is not None and placing.put_new(edit, thing, parts.kind, ["it"])
        if text in said.whole or (parts.right == ["it"] and parts.kind == "inside" and words[0] != "with"):
            return holding.add_things(edit, parts.left)
        if place := sides.frame_of([parts.said, *parts.right]):
            return holding.add_things(edit, parts.left) and placing.moved_in_frame(
                edit, Found(list(edit.items), [edit.main]), place
            )
        left = parts.left[:-1] if len(parts.left) > 1 and parts.left[-1] in _POSTURES else parts.left
        thing = edit.thing_of(left, bare=True)
        if thing is None:
            return False
        if parts.kind == "with" or edit.find(parts.right) is None:
            return (
                placing.put_new(edit, thing, parts.kind, parts.right)
                if parts.kind != "with"
                else holding.add_things(edit, rest)
            )
        return placing.put_new(edit, thing, parts.kind, parts.right)
    if words[0] == "with":
        thing = edit.thing_of(rest, bare=True)
        if thing is not None and is_garment(thing[0].thing):
            holding.hold(edit, Found(list(edit.items), [edit.main]), thing)
            return True
    return holding.add_things(edit, rest)


def read_gift(edit: Edit, words: Sequence[str]) -> bool:
    rest = behind_verb(words, "give")
    if rest is not None and (placing.ends_openly(rest) or placing.direction_of(rest[-1:])):
        return False  # "give it a rainbow behind" says where, not whose
    if rest is not None and (placed := placing.put_beside_owner(edit, rest)):
        return placed
    return rest is not None and holding.give(edit, rest)


def read_put(edit: Edit, words: Sequence[str]) -> bool:
    rest = behind_verb(words, "put")
    if rest is None:
        return False
    if rest[:1] == ["to"] and len(rest) > 2:  # "put to him a hat"
        return holding.give(edit, rest[1:])
    colour = [at for at, word in enumerate(rest) if word in ("colour", "color")]
    if colour and "in" in rest[1:]:  # "put the colour of the rabbit in brown"
        at = rest.index("in", 1)
        found = edit.find(owner_of(rest[:at], ("colour", "color")) or ["it"])
        return found is not None and looks.coloured(edit, found, rest[at + 1 :])
    if rest[-1] == "away" or (rest[-1] == "back" and placing.parted(rest) is None):
        return False
    return placing.put(edit, rest)
