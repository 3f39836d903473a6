"""How large things are to be: "bigger", "not so big", "the biggest", "bigger than the cat", "the same size again"."""

from collections.abc import Sequence
from dataclasses import replace

from imagerag.agent.follow_up.edit import Edit
from imagerag.agent.follow_up.phrases import phrases
from imagerag.agent.follow_up.scene_edit import CannotChange, Item, is_setting
from imagerag.agent.follow_up.things import Found
from imagerag.prompt_grammar.vocabulary import Size

_SIZES: tuple[Size, ...] = ("small", "normal", "large")
_DEGREES = frozenset(
    ["a", "bit", "little", "lot", "much", "even", "slightly", "more", "way", "somewhat", "still", "just", "very",
     "really", "so", "far", "too", "tad", "touch", "quite", "considerably", "tiny", "twice", "times", "as"]
)  # fmt: skip
_LARGEST = frozenset(["biggest", "largest", "tallest", "highest", "longest"])
_SMALLEST = frozenset(["smallest", "tiniest", "littlest", "shortest", "lowest"])
_LESS = frozenset(["not", "less", "isn't", "aren't"])
_PLAIN = frozenset(["original", "normal", "usual", "regular", "former", "natural", "default", "same", "equal", "old"])
"""Sizes that are none in particular: "the original size", "the same size"."""
_AROUND_SIZE = frozenset(
    ["the", "its", "their", "his", "her", "to", "of", "a", "an", "in", "at", "again", "size", "sizes", "sized", "be",
     "back", "all", "both", "it", "was", "were", "before", "they", "had", "as"]
)  # fmt: skip


def sized(edit: Edit, found: Found, words: Sequence[str]) -> bool:
    """Make things larger or smaller, also than another one: "bigger than the cat".

    Raises:
        CannotChange: they are as large, or as small, as they get.
    """
    said = phrases().sizes
    if "than" in words:
        at = list(words).index("than")
        step = _step(words[:at])
        everything = " ".join(words[at + 1 :]) in _ALL_OTHERS
        other = None if everything else edit.find(words[at + 1 :])
        if not step or (not everything and (other is None or len(other.items) != len(found.items))):
            return False
        return _compared(edit, found, step, None if other is None else other.places)
    superlative = {word for word in words if word in _LARGEST | _SMALLEST}
    if superlative and set(words) - superlative <= {"the", "of", "all", "them", "three", "two", "be", "by", "far"}:
        return _compared(edit, found, -1 if superlative & _SMALLEST else 1)
    text = " ".join(word for word in words if word not in ("a", "an", "the", "one", "size", "sized"))
    absolute = next((size for size in _SIZES if text in said[size]), None)
    if absolute is None and ({"size", "sizes", "sized"} & set(words)) and _PLAIN & set(words):
        absolute = "normal" if set(words) <= _PLAIN | _AROUND_SIZE else None
        if {"same", "equal", "sizes", "both", "all"} & set(words):
            found = edit.find(["them"]) or found
    step = _step(words)
    if absolute is None and not step:
        return False
    items = list(found.items)
    before = list(items)
    for at in found.places:
        size = absolute or _SIZES[min(max(_SIZES.index(items[at].thing.size) + step, 0), 2)]
        items[at] = replace(items[at], thing=replace(items[at].thing, size=size))
    if items == before and not edit.changed:
        name = items[found.places[0]].thing.phrase
        how = "large" if step > 0 or absolute == "large" else "small" if step < 0 or absolute == "small" else "normal"
        raise CannotChange(f"the {name} is as {how} as it gets already")
    edit.take(items, found.places[0] if len(found.places) == 1 else None)
    return True


_ALL_OTHERS = frozenset(
    ["the rest", "the others", "the other", "everything", "everything else", "all others", "all the others", "anything"]
)


def _step(words: Sequence[str]) -> int:
    said = phrases().sizes
    text = " ".join(words)
    core = " ".join(word for word in words if word not in _DEGREES and word not in ("again",))
    if words and words[0] in _LESS:
        core = " ".join(word for word in words[1:] if word not in _DEGREES and word != "that")
        return -1 if core in said["large"] else 1 if core in said["small"] else 0
    if text in said["bigger"] or core in said["bigger"] or ("more" in words and core in said["large"]):
        return 1
    if text in said["smaller"] or core in said["smaller"] or ("more" in words and core in said["small"]):
        return -1
    return 0


def _compared(edit: Edit, found: Found, step: int, others: Sequence[int] | None = None) -> bool:
    """Make some things large and the others small: with less, both would look about alike.

    Args:
        edit: of the picture.
        found: the things that are spoken of.
        step: 1 for larger, -1 for smaller ones.
        others: the places of those that they are compared with; all that is free unless given.
    """
    items = found.items
    if others is None:
        others = [
            at
            for at, item in enumerate(items)
            if at not in found.places and not is_setting(items, at) and item.joint not in ("wearing", "with")
        ]
    if not others:
        return False
    grow, shrink = (found.places, others) if step > 0 else (others, found.places)
    sizes: dict[int, Size] = {**dict.fromkeys(shrink, "small"), **dict.fromkeys(grow, "large")}
    changed: list[Item] = [
        replace(item, thing=replace(item.thing, size=sizes.get(at, item.thing.size))) for at, item in enumerate(items)
    ]
    edit.take(changed, found.places[0])
    return True
