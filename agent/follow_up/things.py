"""Which things of the picture words name: "the dog", "it", "the second one", "the red one", "the one on the left"."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from imagerag.agent.follow_up.keywords import is_animate, may_be_called
from imagerag.agent.follow_up.phrases import one_slip, phrases
from imagerag.agent.follow_up.scene_edit import Item, is_setting, taken_apart, unit_end, with_items
from imagerag.generators.layout import arrange
from imagerag.prompt_grammar.inflection import singular
from imagerag.prompt_grammar.noun_phrase import parse_object
from imagerag.prompt_grammar.scene import Scene
from imagerag.prompt_grammar.vocabulary import ARTICLES, SIZES, colour_of, number_of

_GENERIC = frozenset(
    [
        "animal",
        "creature",
        "character",
        "subject",
        "figure",
        "guy",
        "thing",
        "object",
        "person",
        "being",
        "pet",
        "vehicle",
        "building",
        "item",
    ]
)
"""Nouns by which the only thing of a picture may be called."""
_GENERIC_PLURALS = frozenset(
    ["animals", "creatures", "things", "objects", "characters", "figures", "items", "pets", "guys", "people", "persons",
     "subjects"]
)  # fmt: skip
_SIDES = {"left": 0, "right": -1, "leftmost": 0, "rightmost": -1}
_MIDDLE = frozenset(["middle", "center", "centre", "central"])
_WOMEN = frozenset(
    ["girl", "woman", "women", "lady", "princess", "queen", "mermaid", "witch", "mother", "grandmother", "bride",
     "ewe", "hen", "mrs. claus", "actress", "waitress", "nun", "ballerina", "daughter", "sister", "cow"]
)  # fmt: skip
_MEN = frozenset(
    ["boy", "man", "men", "gentleman", "prince", "king", "merman", "wizard", "father", "grandfather", "groom", "guy",
     "rooster", "santa claus", "santa", "knight", "monk", "son", "brother", "ram", "bull", "snowman", "superman"]
)  # fmt: skip
_SHE = frozenset(["her", "she"])
_HE = frozenset(["him", "he"])
_OF_HERS = {"hers": "her", "his": "him"}
SHORTEST_PART = 3
"""Letters of the shortest word that names what ends in it."""
SHORTEST_FUZZY = 4
"""Letters of the shortest name that is recognised with a slip in it."""


@dataclass(frozen=True)
class Found:
    """The things that words name.

    Attributes:
        items: of the picture; one of several that is named alone is taken apart from the others.
        places: in ``items``, of those that are named; never empty.
        pronoun: whether the words were "it", "them" and the like, which may mean all of the picture.
    """

    items: list[Item]
    places: list[int]
    pronoun: bool = False


def find(
    words: Sequence[str], items: Sequence[Item], main: int, other_than: int | None = None, *, loosely: bool = True
) -> Found | None:
    """Return what words name; ``None`` if they name nothing of the picture.

    Args:
        words: "it", "the second one", "the dog and the hat".
        items: of the picture.
        main: the place of what "it" is.
        other_than: the place of what "the other one" is not; ``main`` unless given.
        loosely: whether a thing may be called by a keyword of the library, too.
    """
    said = phrases()
    words = list(words)
    text = " ".join(words)
    if text in _OF_HERS and (owner := _of_sex(_OF_HERS[text], items, main)) is not None:
        had = [at for at in range(owner + 1, unit_end(items, owner)) if items[at].joint in ("wearing", "with")]
        return Found(list(items), had) if len(had) == 1 else None
    owner = next((at for at, word in enumerate(words[:-1]) if at and word.endswith("'s")), 0)
    if owner and (its := _what_it_has(words[: owner + 1], words[owner + 1 :], items, main)) is not None:
        return its
    if (meant := _of_sex(text, items, main)) is not None:
        return Found(list(items), [meant], pronoun=True)
    if text == "one" and items[main].thing.count > 1:
        return _one_of(items, main, items[main].thing.count - 1)
    if text in said.it:
        return Found(list(items), [main], pronoun=True)
    if text in said.them or (text in said.whole and text not in said.picture):
        return Found(list(items), _not_settings(items), pronoun=True)
    if words[:2] == ["one", "of"] or (words[:1] == ["one"] and len(words) > 1):
        return _any_of(words[2:] if words[1] == "of" else words[1:], items)
    if "and" in words:
        return _several(words, items, main)
    bare = list(words)
    while bare and (bare[0] in ARTICLES or bare[0] in said.definite):
        bare = bare[1:]
    if bare[:1] in (["both"], ["two"]) and len(bare) == 2 and bare[1] in _GENERIC_PLURALS:
        bare = bare[1:]
    if bare and len(bare) == 1 and bare[0] in _GENERIC_PLURALS and not matching(bare, items):
        return Found(list(items), _not_settings(items), pronoun=True)
    if bare[:1] in (["all"], ["both"], ["each"], ["every"]) and len(bare) > 1:
        every, bare = bare[0], [word for word in bare[1:] if word not in ARTICLES and word != "of"]
        if every in ("each", "every") and (places := matching(bare, items)):
            return Found(list(items), places)
        bare = ["two", *bare] if every == "both" and bare else bare
    if not bare:
        return None
    if " ".join(bare) in said.it | {"ones"}:
        return Found(list(items), [main])
    other = main if other_than is None else other_than
    named = _by_side(bare, items) or _by_ordinal(bare, items) or _by_name(bare, items, other)
    return named or (_by_keyword(words[1:], items) if loosely and words[0] in said.definite else None)


def _what_it_has(owner: Sequence[str], name: Sequence[str], items: Sequence[Item], main: int) -> Found | None:
    """Return the hat of "the dog's hat", which the dog has on or holds, or which is the only hat and nobody's."""
    found = find([*owner[:-1], owner[-1].removesuffix("'s")], items, main)
    if found is None or len(found.places) != 1 or len(found.items) != len(items):
        return None
    at = found.places[0]
    attached = [place for place in range(at + 1, unit_end(items, at)) if items[place].joint in ("wearing", "with")]
    named = matching(name, items)
    had = [place for place in named if place in attached]
    if not had and len(named) == 1 and items[named[0]].joint not in ("wearing", "with"):
        had = named
    return Found(list(items), had) if had else None


def _by_keyword(bare: Sequence[str], items: Sequence[Item]) -> Found | None:
    """Return the only thing that may be called so: the owl of "the bird"."""
    name = singular(" ".join(bare))
    if ARTICLES & set(bare):
        return None
    meant = [at for at, item in enumerate(items) if may_be_called(item.thing.phrase, name)]
    return Found(list(items), meant) if len({items[at].thing.phrase for at in meant}) == 1 else None


def _of_sex(text: str, items: Sequence[Item], main: int) -> int | None:
    """Return the place of the only one that "her" or "him" can mean; ``None`` where it says no more than "it"."""
    if text not in _SHE | _HE:
        return None
    own, other = (_WOMEN, _MEN) if text in _SHE else (_MEN, _WOMEN)

    def is_of(at: int, names: frozenset[str]) -> bool:
        phrase = items[at].thing.phrase
        return phrase in names or bool(names & {phrase.split()[0], phrase.split()[-1]})

    free = _not_settings(items)
    if main in free and is_of(main, own):
        return main
    meant = [at for at in free if is_of(at, own)] or [at for at in free if not is_of(at, other)]
    meant = [at for at in meant if is_animate(items[at].thing.phrase)] or meant
    if len(meant) > 1 and main in meant:
        return main
    return meant[0] if len(meant) == 1 or (meant and main not in meant and len(meant) < len(free)) else None


def _any_of(words: Sequence[str], items: Sequence[Item]) -> Found | None:
    """Return one of several alike: the last of "one of them" and "one dog"."""
    bare = [word for word in words if word not in ARTICLES]
    candidates = _not_settings(items) if " ".join(bare) in phrases().them | {"ones"} else matching(bare, items)
    instances = _instances(candidates, items)
    return _one_of(items, *instances[-1]) if len(instances) > 1 else None


def _several(words: Sequence[str], items: Sequence[Item], main: int) -> Found | None:
    at = list(words).index("and")
    first = find(words[:at], items, main)
    second = first and find(words[at + 1 :], first.items, main)
    if first is None or second is None or len(first.items) != len(second.items):
        return None
    return Found(second.items, sorted({*first.places, *second.places}))


def _not_settings(items: Sequence[Item]) -> list[int]:
    free = [at for at, item in enumerate(items) if not is_setting(items, at) and item.joint not in ("wearing", "with")]
    return free or list(range(len(items)))


def matching(name: Sequence[str], items: Sequence[Item]) -> list[int]:
    """Return the places of the things of that name: the whole of it, or its last word."""
    text = " ".join(name)
    forms = {text, singular(text)}
    exact = [at for at, item in enumerate(items) if item.thing.phrase in forms or singular(item.thing.phrase) in forms]
    if exact:
        return exact
    heads = [at for at, item in enumerate(items) if len(name) == 1 and item.thing.phrase.split()[-1] in forms]
    parts = [at for at, item in enumerate(items) if len(name) == 1 and item.thing.phrase.split()[0] in forms]
    if heads or parts:
        return heads or parts
    inside = [
        at
        for at, item in enumerate(items)
        if len(singular(text)) >= SHORTEST_PART and item.thing.phrase.endswith(singular(text))
    ]
    if inside:  # the boat of "sailboat"
        return inside
    if (
        "of" in name[1:-1]
        and (measured := parse_object(list(name), {item.thing.phrase for item in items}).phrase) != text
    ):
        return matching(measured.split(), items)  # the pizza of "slice of pizza"
    if len(text) >= SHORTEST_FUZZY:
        return [at for at, item in enumerate(items) if one_slip(text, item.thing.phrase)]
    return []


def _named_alike(name: Sequence[str], items: Sequence[Item]) -> list[int]:
    """As ``matching``; "one" and "ones" are all that are no setting."""
    if not name or list(name) in (["one"], ["ones"], ["thing"]):
        return _not_settings(items)
    return matching(name, items)


def _instances(places: Sequence[int], items: Sequence[Item]) -> list[tuple[int, int]]:
    return [(at, number) for at in places for number in range(items[at].thing.count)]


def _one_of(items: Sequence[Item], at: int, number: int) -> Found:
    if items[at].thing.count == 1:
        return Found(list(items), [at])
    apart, place = taken_apart(items, at, number)
    return Found(apart, [place])


def _by_ordinal(bare: Sequence[str], items: Sequence[Item]) -> Found | None:
    said = phrases()
    word = bare[0]
    digits = re.sub(r"(?<=\d)(?:st|nd|rd|th)$", "", word)
    if word in said.ordinals:
        number = said.ordinals.index(word)
    elif word == "last":
        number = -1
    elif digits.isdigit() and digits != word and len(digits) < 3:
        number = int(digits) - 1
    else:
        return None
    instances = _instances(_named_alike(bare[1:], items), items)
    if len(instances) < 2 or not -len(instances) <= number < len(instances):
        return None
    return _one_of(items, *instances[number])


def _by_side(bare: Sequence[str], items: Sequence[Item]) -> Found | None:
    """Return the thing that stands farthest on a side, or in the middle: "the left one", "the dog on the right"."""
    words = list(bare)
    side: int | None
    if words[0] in _SIDES and len(words) > 1 and words[1] != "side":
        side, name = _SIDES[words[0]], words[1:]
    elif words[0] in _MIDDLE and len(words) > 1:
        side, name = None, words[1:]
    elif len(words) > 2 and words[-3] in ("in", "at") and words[-1] in _MIDDLE:
        side, name = None, words[:-3]
    elif len(words) > 1 and words[-2] in ("in", "at") and words[-1] in _MIDDLE:
        side, name = None, words[:-2]
    elif len(words) > 3 and words[-3] in ("on", "to", "at") and words[-2] == "the" and words[-1] in _SIDES:
        side, name = _SIDES[words[-1]], words[:-3]
    else:
        return None
    candidates = _named_alike(name, items)
    instances = _instances(candidates, items)
    if not instances:
        return None
    across: dict[tuple[int, int], float] = {}
    heights: dict[tuple[int, int], tuple[float, float]] = {}
    seen: dict[int, int] = {}
    for place in sorted(arrange(with_items(Scene(), items)), key=lambda place: (place.index, place.x)):
        number = seen.get(place.index, 0)
        seen[place.index] = number + 1
        across[place.index, number] = place.x + place.side / 2
        heights[place.index, number] = (place.y, place.side)
    ordered = sorted((one for one in instances if one in across), key=lambda one: across[one])
    if side is None:  # the middle of an even number, or of a triangle, is no single one
        tops = [heights[one] for one in ordered]
        rise = max(top for top, _ in tops) - min(top for top, _ in tops) if tops else 0.0
        in_a_row = bool(tops) and rise < min(side for _, side in tops) / 2
        return _one_of(items, *ordered[len(ordered) // 2]) if len(ordered) in (3, 5) and in_a_row else None
    return _one_of(items, *ordered[side]) if ordered else None


def _by_name(bare: Sequence[str], items: Sequence[Item], other_than: int) -> Found | None:
    """Return the things of a name, colour and size: "the red one", "the small dogs", "the other dog"."""
    if whole := _picked(bare, matching(bare, items), items):
        return whole
    words = list(bare)
    colour, size, other, count = None, None, False, 0
    if words[:1] == ["other"] and len(words) == 2 and number_of(words[1]):
        words = [words[1], "other", "ones"]
    if len(words) == 2 and number_of(words[0]) and words[1] == "others":
        words = [words[0], "other", "ones"]
    if words in (["other"], ["others"], ["rest"]):
        words = ["other", "ones" if words != ["other"] else "one"]
    while len(words) > 1:
        pair = colour_of(" ".join(words[:2])) if len(words) > 2 else None
        if pair:
            colour, words = pair, words[2:]
        elif one := colour_of(words[0]):
            colour, words = one, words[1:]
        elif words[0] in SIZES:
            size, words = SIZES[words[0]], words[1:]
        elif words[0] == "other":
            other, words = True, words[1:]
        elif number_of(words[0]):
            count, words = number_of(words[0]), words[1:]
        else:
            break
    candidates = _named_alike(words, items)
    if not candidates and words[-1] in _GENERIC:
        free = _not_settings(items)
        candidates = free if len(free) == 1 else []
    if colour:
        candidates = [at for at in candidates if items[at].thing.colour == colour]
    if size:
        candidates = [at for at in candidates if items[at].thing.size == size]
    if other:
        candidates = [at for at in candidates if at != other_than]
    if count and sum(items[at].thing.count for at in candidates) != count:
        return None
    says_nothing = words in (["one"], ["ones"]) and not (colour or size or other)
    return None if says_nothing else _picked(words, candidates, items)


def _picked(words: Sequence[str], candidates: Sequence[int], items: Sequence[Item]) -> Found | None:
    """Return all candidates for a plural, and for a singular the first, without colour or size if there is one."""
    if not candidates:
        return None
    several = singular(words[-1]) != words[-1] or len(candidates) == 1
    if several:
        return Found(list(items), list(candidates))
    plain = [at for at in candidates if replace(items[at].thing, colour=None, size="normal") == items[at].thing]
    return Found(list(items), [(plain or list(candidates))[0]])
