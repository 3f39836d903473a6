"""What a request mentions, wherever it stands: things of the picture, new things, looks, numbers and places."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from imagerag.agent.follow_up.edit import BODY_PARTS, Edit
from imagerag.agent.follow_up.keywords import KINDS
from imagerag.agent.follow_up.lexicon import lexicon
from imagerag.agent.follow_up.phrases import NO_NAME, phrases
from imagerag.agent.follow_up.scene_edit import Item
from imagerag.agent.follow_up.sides import frame_of
from imagerag.agent.follow_up.things import matching
from imagerag.assets.nouns import concrete_nouns
from imagerag.prompt_grammar.inflection import singular
from imagerag.prompt_grammar.participles import is_participle
from imagerag.prompt_grammar.vocabulary import (
    ARTICLES,
    BACKGROUND_WORDS,
    GROUPS,
    HOLDERS,
    PARTS,
    SIZES,
    RelationKind,
    colour_of,
    number_of,
)

MentionKind = Literal[
    "thing", "pronoun", "colour", "size", "number", "relation", "side", "background", "style", "time", "between",
    "other side",
]  # fmt: skip
LONGEST_NAME = 4
"""Words of the longest name that is looked for."""
LONGEST_SIDE = 6
"""Words of the longest side of the picture: "in the top right hand corner"."""
MOST = 9
"""Mentions of one request; a request with more of them is a prompt."""
_PRONOUNS = frozenset(
    ["it", "its", "him", "his", "her", "he", "she", "them", "they", "their", "one", "ones", "this", "that", "those",
     "these", "itself", "himself", "herself"]
)  # fmt: skip
_BEFORE_NAMES = frozenset(["second", "third", "other", "more", "extra", "additional", "same", "single", "new"])
_MORE = frozenset(["more", "extra", "additional"])
_DETERMINERS = frozenset(["another", "some", "any", "no", "several", "few", "couple", "both", "all", "my", "many"])
_NO_NAMES = frozenset(
    ["place", "side", "top", "bottom", "front", "middle", "center", "centre", "corner", "right", "left", "ground",
     "thing", "look", "use", "need", "want", "see", "show", "add", "put", "set", "stick", "drop", "swap", "change",
     "switch", "turn", "cut", "hand", "head", "back", "times", "time", "question", "mark", "sign", "button", "symbol",
     "picture", "image", "style", "colour", "color", "kind", "type", "size", "version", "instead", "another", "wants",
     "scale", "done", "plus", "minus", "fewer", "less", "room", "light", "dark", "lot", "way", "one", "ones"]
)  # fmt: skip
"""Words that name something in the library, and hardly ever that in a follow-up."""
_SPOKEN_SIZES = {"big": "bigger", "large": "bigger", "huge": "bigger", "small": "smaller", "little": "smaller",
                 "tiny": "smaller"}  # fmt: skip
FACTORS = {"twice": 2.0, "double": 2.0, "triple": 3.0, "thrice": 3.0, "half": 0.5}
"""Words for numbers that are told as a multiple of how many there are."""
_TOLD_OTHERWISE = {
    **dict.fromkeys(("dark", "darkness", "moonlit"), "night"),
    **dict.fromkeys(("sundown", "nightfall"), "dusk"),
    **dict.fromkeys(("daybreak", "sunup"), "dawn"),
    **dict.fromkeys(("rainy", "raining", "rains"), "rain"),
    **dict.fromkeys(("snowy", "snowing", "snows"), "snow"),
    **dict.fromkeys(("foggy", "misty"), "fog"),
    **dict.fromkeys(("stormy", "thundery"), "storm"),
}
"""Words for a time of day, or weather, with the one by which a change is asked for."""
_TOO_MUCH = (("too",), ("not", "so"), ("not", "that"), ("not", "as"), ("less",), ("way", "too"), ("a", "bit", "too"))
"""Before a size, what asks for the opposite: "too big"."""


@dataclass(frozen=True)
class Mention:
    """Words of a request that can be a part of a change.

    Attributes:
        kind: what they are.
        start, end: place of the words, from 0; ``end`` is behind the last.
        words: of the name, the look or the place, without what is said before a name.
        places: of a thing, those of the picture that are called so.
        before: of a thing, what is said before its name: articles, numbers, colours, sizes.
        relation: of words that say how one thing stands to another.
    """

    kind: MentionKind
    start: int
    end: int
    words: tuple[str, ...]
    places: tuple[int, ...] = ()
    before: tuple[str, ...] = ()
    relation: RelationKind | None = None

    @property
    def count(self) -> int:
        """How many a thing's words say, or 0 where they don't."""
        return next((number_of(word) for word in self.before if number_of(word)), 0)

    @property
    def is_one_more(self) -> bool:
        """Whether a thing is said to come beside those of its name that are there: "another robot", "a second cat"."""
        first, rest = self.before[:1], self.before[1:]
        counts = bool(_MORE & set(self.before)) or bool(rest and rest[0] in phrases().ordinals and first != ("the",))
        return first == ("another",) or (counts and first != ("the",))

    @property
    def colour(self) -> str | None:
        """The colour before a thing's name."""
        pairs = [" ".join(self.before[at : at + length]) for length in (2, 1) for at in range(len(self.before))]
        return next((pair for pair in pairs if colour_of(pair)), None)

    @property
    def size(self) -> str | None:
        """The size before a thing's name."""
        return next((word for word in self.before if word in SIZES), None)


def mentions_of(edit: Edit, words: Sequence[str]) -> list[Mention]:
    """Return what is mentioned, in the order of the words; no two of them overlap."""
    found: list[Mention] = []
    at = 0
    while at < len(words):
        mention = _mention(edit, words, at)
        if mention is None:
            at += 1
            continue
        found.append(mention)
        at = mention.end
    if not any(one.kind == "thing" for one in found) and (unknown := _bare_unknown(words, found)) is not None:
        found = sorted([*found, unknown], key=lambda one: one.start)
    return found


_BEFORE_A_NOUN = frozenset(["+", "and", "add", "with", "plus", "also"])
_BEHIND_A_NOUN = frozenset(["too", "also", ",", "as", ".", "!", "plz", "pls"])


def _bare_unknown(words: Sequence[str], found: Sequence[Mention]) -> Mention | None:
    """Return the first word that may name a thing, of a request that names none: "cop next to it"."""
    taken = {at for one in found for at in range(one.start, one.end)}
    placed = {one.start for one in found if one.kind in ("relation", "side")}  # "flubber it" is a verb
    said = lexicon().filler | phrases().no_things | _NO_NAMES | ARTICLES | _PRONOUNS | verbs_of_change()
    for at, word in enumerate(words):
        ends = at + 1 == len(words) or at + 1 in placed or words[at + 1] in _BEHIND_A_NOUN
        begins = at == 0 or words[at - 1] in _BEFORE_A_NOUN
        if at not in taken and ends and begins and len(word) > 2 and word.isalpha() and word not in said:
            return Mention("thing", at, at + 1, (word,))
    return None


@cache
def verbs_of_change() -> frozenset[str]:
    """Return the words of the verbs by which changes are asked for."""
    kinds = (*lexicon().verbs.values(), *lexicon().between.values(), *phrases().verbs.values())
    return frozenset(word for verbs in kinds for verb in verbs for word in verb)


def _mention(edit: Edit, words: Sequence[str], at: int) -> Mention | None:
    return (
        _background(words, at)
        or _between(words, at)
        or _other_side(words, at)
        or _beside_whom(words, at)
        or _thing(edit, words, at)
        or _side(words, at)
        or _relation(words, at)
        or _look(words, at)
        or _pronoun(words, at)
    )


def _background(words: Sequence[str], at: int) -> Mention | None:
    return Mention("background", at, at + 1, (words[at],)) if words[at] in BACKGROUND_WORDS else None


_OF_WHOM = re.compile(
    r"(?:to|on|at|from) (?:his|her|its|their|the) (?:very |far )?(?P<side>left|right)(?:[ -]hand)?"
    r"(?: side)?(?P<of> of| from)?|(?P<front>in (?:the )?front)(?! of)|(?P<top>on top|up on top)(?= of)"
)


def _beside_whom(words: Sequence[str], at: int) -> Mention | None:
    """Return how something stands to who was named or meant: "on her left", "to its right", "in front"."""
    found = _OF_WHOM.match(" ".join(words[at : at + 7]))
    if found is None:
        return None
    taken = len(found[0].split())
    if found["top"]:
        return Mention("relation", at, at + taken + 1, tuple(words[at : at + taken + 1]), relation="on")
    if found["front"]:
        return Mention("relation", at, at + taken, tuple(words[at : at + taken]), relation="in front of")
    if found["of"] is None and words[at + 1] == "the":
        return None  # a side of the picture
    kind: RelationKind = "left of" if found["side"] == "left" else "right of"
    return Mention("relation", at, at + taken, tuple(words[at : at + taken]), relation=kind)


_BETWEEN = re.compile(
    r"(?:right )?(?:in )?between(?: (?:them|the two(?: of them)?|both(?: of them)?|the both|those two))?\b"
)
_OTHER_SIDE = re.compile(
    r"(?:(?:to|on|at|from) )?(?:(?:the|his|her|its|their) )?(?:other|opposite|far) (?:side|hand)(?: of)?\b"
)


def _between(words: Sequence[str], at: int) -> Mention | None:
    """Return the words that put something between two things: "between them", "in between"."""
    found = _BETWEEN.match(" ".join(words[at : at + 7]))
    return None if found is None else Mention("between", at, at + len(found[0].split()), tuple(found[0].split()))


def _other_side(words: Sequence[str], at: int) -> Mention | None:
    """Return the words for the side on which nothing stands yet: "on the other side"."""
    found = _OTHER_SIDE.match(" ".join(words[at : at + 6]))
    return None if found is None else Mention("other side", at, at + len(found[0].split()), tuple(found[0].split()))


def _thing(edit: Edit, words: Sequence[str], at: int) -> Mention | None:
    noun = at
    while noun < len(words) and (taken := _before_a_name(edit, words, noun)):
        noun += taken
    for start in range(noun, at - 1, -1):  # "red apple" is a name as well
        length, places = _name(edit, words, start)
        if length:
            named = tuple(word.removesuffix("'s") for word in words[start : start + length])
            return Mention("thing", at, start + length, named, places, tuple(words[at:start]))
    if noun < len(words) and (length := _noun(words, noun)):
        named = tuple(word.removesuffix("'s") for word in words[noun : noun + length])
        places = tuple(matching(list(named), edit.items))
        return Mention("thing", at, noun + length, named, places, tuple(words[at:noun]))
    if noun < len(words) and _may_be_a_noun(words, at, noun):
        return Mention("thing", at, noun + 1, (words[noun],), (), tuple(words[at:noun]))
    return None


def _noun(words: Sequence[str], at: int) -> int:
    """Return how many words the name of a thing takes that no list of names has: a noun, or a kind, "a fir tree"."""
    word = words[at].removesuffix("'s")
    if not is_noun(singular(word)) or word in lexicon().filler | phrases().no_things | _NO_NAMES:
        return 0
    if any(found is not None for found in (_side(words, at), _relation(words, at), _look(words, at))):
        return 0
    return 2 if len(words) > at + 1 and singular(words[at + 1]) in KINDS else 1


def _may_be_a_noun(words: Sequence[str], at: int, noun: int) -> bool:
    """Tell whether a word of no known name stands where a noun does: "a wug", "two wugs"."""
    word = words[noun]
    counts = any(before in ("a", "an", "some", "another") or number_of(before) for before in words[at:noun])
    no_name = lexicon().filler | phrases().no_things | _NO_NAMES | ARTICLES | _PRONOUNS
    if words[noun + 1 : noun + 2] and singular(words[noun + 1]) in BODY_PARTS | {singular(one) for one in BODY_PARTS}:
        return False  # "a fluffy tail"
    if words[noun + 1 : noun + 2] and words[noun + 1] in phrases().times:
        return False  # "a sunny day"
    return counts and len(word) > 2 and word.isalpha() and word not in no_name and not _begins_otherwise(words, noun)


_MEASURES = PARTS | GROUPS | HOLDERS | {"pair"}


def _before_a_name(edit: Edit, words: Sequence[str], at: int) -> int:
    """Return how many words here are said before a name: an article, a colour, "piece of"; 0 where a name begins."""
    measured = singular(words[at]) in _MEASURES and words[at + 1 : at + 2] == ["of"] and len(words) > at + 2
    if measured and _name(edit, words, at)[0] < LEAST_MEASURED:  # "glass of milk" is a name as well
        return 2
    return 1 if _stands_before_a_name(words, at) else 0


LEAST_MEASURED = 3
"""Words of the shortest name that begins with a measure and "of"."""


def _stands_before_a_name(words: Sequence[str], at: int) -> bool:
    word = words[at]
    return bool(
        word in ARTICLES | phrases().definite | _DETERMINERS | _BEFORE_NAMES
        or word in SIZES
        or (word == "of" and at and words[at - 1] in ("couple", "number", "lot"))
        or number_of(word)
        or colour_of(word)
        or colour_of(" ".join(words[at : at + 2]))
    )


def _name(edit: Edit, words: Sequence[str], at: int) -> tuple[int, tuple[int, ...]]:
    """Return how many words the name at a place takes, and what of the picture is called so."""
    function = lexicon().filler | phrases().no_things | _NO_NAMES | ARTICLES
    for length in range(min(LONGEST_NAME, len(words) - at), 0, -1):
        inner = [word.removesuffix("'s") for word in words[at : at + length]]
        text = " ".join(inner)
        places = tuple(matching(inner, edit.items)) if _is_word(inner[-1]) else ()
        if length == 1 and (colour_of(text) or text in SIZES or number_of(text) or text in BACKGROUND_WORDS):
            continue
        if length == 1 and text in function and not any(edit.items[place].thing.phrase == text for place in places):
            continue
        if length == 1 and len(text) < 3 and not places:
            continue
        one = singular(text)
        if text in edit.known or one in edit.known or text in edit.names or one in edit.names:
            return length, places
        if places and (length > 1 or _names_closely(text, [edit.items[place] for place in places])):
            return length, places
    return 0, ()


def is_noun(word: str) -> bool:
    """Tell whether a word in the singular names a thing that can be seen, and is no verb of change."""
    return word in concrete_nouns() and word not in verbs_of_change()


LONGEST_UNKNOWN = 3
"""Words of the longest name that nobody knows."""


def is_no_name(phrase: str, known: Collection[str]) -> bool:
    """Tell whether words that are no known name are none at all: "owl sit", "house yellow", "make one guitar"."""
    words = phrase.split()
    if len(words) > LONGEST_UNKNOWN or any(word in NO_NAME or number_of(word) for word in words):
        return True
    if len(words) > 1 and (colour_of(words[-1]) or words[-1] in SIZES):
        return True
    if any(map(is_participle, words[1:-1])):
        return True  # "octopus playing drum"
    if len(words) == LONGEST_UNKNOWN and all(singular(word) in known for word in (words[0], words[-1])):
        return True  # "ring fly dove"
    named = [word in known or singular(word) in known or is_noun(singular(word)) for word in words]
    return any(named) and not named[-1]


def _is_word(word: str) -> bool:
    return len(word) > 2 and word[0].isalpha()


def _names_closely(text: str, items: Sequence[Item]) -> bool:
    """Tell whether a word is one of a thing's name, and no part of a word."""
    return any(text in item.thing.phrase.split() or singular(text) in item.thing.phrase.split() for item in items)


def _begins_otherwise(words: Sequence[str], at: int) -> bool:
    """Tell whether what is no name begins at a place: a side, a relation, a look."""
    return any(found is not None for found in (_side(words, at), _relation(words, at), _look(words, at)))


def _side(words: Sequence[str], at: int) -> Mention | None:
    rest = words[at:]
    if rest[0] not in ("on", "to", "at", "in", "left", "right", "top", "bottom", "up", "down", "into"):
        return None
    for length in range(min(LONGEST_SIDE, len(rest)), 0, -1):
        if rest[length - 1] in ARTICLES | {"of", "to", "on", "in"} or rest[length : length + 1] == ["of"]:
            continue
        if length == 1 and rest[0] not in ("left", "right"):
            continue
        if frame_of(list(rest[:length])):
            return Mention("side", at, at + length, tuple(rest[:length]))
    return None


def _relation(words: Sequence[str], at: int) -> Mention | None:
    for said, kind in phrases().relations:
        if tuple(words[at : at + len(said)]) == said:
            return Mention("relation", at, at + len(said), said, relation=kind)
    return None


def _look(words: Sequence[str], at: int) -> Mention | None:
    said = phrases()
    for much in _TOO_MUCH:
        size = words[at + len(much)] if len(words) > at + len(much) else ""
        if tuple(words[at : at + len(much)]) == much and size in _SPOKEN_SIZES:
            opposite = "smaller" if _SPOKEN_SIZES[size] == "bigger" else "bigger"
            return Mention("size", at, at + len(much) + 1, (opposite,))
    for length in range(min(3, len(words) - at), 0, -1):
        inner = tuple(words[at : at + length])
        text = " ".join(inner)
        if length < 3 and colour_of(text):
            return Mention("colour", at, at + length, inner)
        if any(text in names for names in said.sizes.values()):
            return Mention("size", at, at + length, inner)
        if text in said.styles or text in ("3d", "flat", "noto", "fluent", "twemoji", "fxemoji"):
            return Mention("style", at, at + length, inner)
        if length == 1 and text in said.times:
            return Mention("time", at, at + 1, inner)
        if length == 1 and text in _TOLD_OTHERWISE and not _in_a_colour(words, at):
            return Mention("time", at, at + 1, (_TOLD_OTHERWISE[text],))
        if length == 1 and number_of(text) and text not in ("a", "an", "one"):
            return Mention("number", at, at + 1, inner)
        if length == 1 and text in FACTORS:
            return Mention("number", at, at + 1, inner)
        if length == 1 and text in ("one", "single", "pair"):
            return Mention("number", at, at + 1, ("2" if text == "pair" else "1",))
    return None


def _in_a_colour(words: Sequence[str], at: int) -> bool:
    """Tell whether a word belongs to a colour: the "dark" of "dark red"."""
    return bool(colour_of(" ".join(words[at : at + 2])))


def _pronoun(words: Sequence[str], at: int) -> Mention | None:
    return Mention("pronoun", at, at + 1, (words[at],)) if words[at] in _PRONOUNS else None


def sized(words: Sequence[str]) -> str:
    """Return the word that makes a thing so: "bigger" of "big"."""
    text = " ".join(words)
    return _SPOKEN_SIZES.get(text, text)
