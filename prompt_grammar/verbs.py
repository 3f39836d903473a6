"""Verbs between two things: "a robot playing the guitar", "a bear that rides a bicycle"."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from imagerag.prompt_grammar.modifiers import direction_begins, is_falling_light
from imagerag.prompt_grammar.participles import is_participle
from imagerag.prompt_grammar.vocabulary import (
    ARTICLES,
    CONNECTORS,
    LOOKED_AT,
    NUMBERS,
    SIZES,
    RelationKind,
    colour_of,
    number_of,
)

_VOWELS = "aeiou"
_LONGEST_OBJECT = 4
"""Words of what is done with, where no article stands before it."""
RELATIVE = frozenset(["that", "who", "which"])
BE = frozenset(["is", "are", "was", "were"])


class Verb(NamedTuple):
    """A verb between two things.

    Attributes:
        kind: how the first stands to the second.
        said: the verb as participle, with its preposition.
        length: how many tokens it takes, a relative pronoun and "is" included.
    """

    kind: RelationKind
    said: str
    length: int


@dataclass(frozen=True)
class _Verbs:
    participles: dict[str, RelationKind]
    finite: dict[str, str]
    """Participle by the third person and the plain form: "rides", "ride"."""
    joined: frozenset[str]
    prepositions: frozenset[str]
    mass: frozenset[str]
    neither: frozenset[str]


@lru_cache(maxsize=1)
def _verbs() -> _Verbs:
    data = tomllib.loads((Path(__file__).parent / "verbs.toml").read_text(encoding="utf-8"))
    participles: dict[str, RelationKind] = {}
    finite: dict[str, str] = {}
    kinds: tuple[RelationKind, ...] = ("with", "on", "wearing", "inside", "beside")
    for kind in kinds:
        for verb in data[kind]:
            participles[participle_of(verb)] = kind
            finite[verb] = finite[third_person(verb)] = participle_of(verb)
    lists = {name: frozenset(data[name]) for name in ("joined", "prepositions", "mass", "neither")}
    return _Verbs(participles, finite, **lists)


def participle_of(verb: str) -> str:
    """Return the present participle of a verb's plain form."""
    if verb.endswith("ie"):
        return verb[:-2] + "ying"
    if verb.endswith("e") and not verb.endswith("ee"):
        return verb[:-1] + "ing"
    short = len(verb) > 2 and verb[-1] not in _VOWELS + "wxy" and verb[-2] in _VOWELS and verb[-3] not in _VOWELS
    # One syllable, or stress on the last: "hugging", but not "opening".
    doubled = short and sum(letter in _VOWELS for letter in verb) == 1
    return f"{verb}{verb[-1] if doubled else ''}ing"


def third_person(verb: str) -> str:
    """Return what a verb is with "it": "flies"."""
    if verb.endswith("y") and verb[-2] not in _VOWELS:
        return verb[:-1] + "ies"
    return verb + ("es" if verb.endswith(("s", "sh", "ch", "x", "z", "o")) else "s")


def is_verb(words: str) -> bool:
    """Tell whether a connector, as a clause has it, is a verb."""
    verbs = _verbs()
    listed = words in verbs.participles or words in verbs.joined
    return (
        listed
        or _comes_from(words.split())
        or (words.endswith("ing") and is_participle(words) and words not in CONNECTORS)
    )


def _comes_from(words: Sequence[str]) -> bool:
    """Tell whether the words are a participle and "from": "hanging from"."""
    return len(words) == 2 and words[1] == "from" and words[0].endswith("ing") and is_participle(words[0])


def is_object_preposition(word: str) -> bool:
    """Tell whether a word, behind a verb and what is done with, places something else: "throwing a ball at a dog"."""
    return word in _verbs().prepositions


def is_joined(participle: str, preposition: str) -> bool:
    """Tell whether a verb stands between two things with that preposition: "looking at"."""
    return f"{participle} {preposition}" in _verbs().joined


def is_transitive(participle: str) -> bool:
    """Tell whether something is done with a second thing."""
    return participle in _verbs().participles


def verb_at(tokens: Sequence[str], position: int, held: Sequence[str]) -> Verb | None:
    """Return the verb that starts here, if one does and a thing follows.

    Args:
        tokens: of the prompt.
        position: of the token that is looked at.
        held: the words since the last connector. Without a noun among them, a participle belongs to what follows it.
    """
    start = position
    relative = tokens[start] in RELATIVE and bool(held)
    start += relative
    while start < len(tokens) and tokens[start] in BE and (held or relative):
        start += 1
    if start >= len(tokens) - 1:
        return None
    verbs = _verbs()
    word = tokens[start]
    comes = _comes_from(tokens[start : start + 2]) and is_determiner("".join(tokens[start + 2 : start + 3]))
    lit = comes and (is_falling_light([*held, word]) or direction_begins(["it", *tokens[start + 1 : start + 4]]))
    if joined := (comes and not lit) or " ".join(tokens[start : start + 2]) in verbs.joined:
        start += 1
    other = word.endswith("ing") and is_participle(word) and word not in CONNECTORS and word not in verbs.neither
    participle = word if other or word in verbs.participles else ""
    done_with = is_determiner(tokens[start + 1]) or (word.endswith("s") and _is_mass(tokens, start + 1))
    if not participle and word in verbs.finite and (relative or done_with):
        participle = verbs.finite[word]
    if not participle and not joined:
        return None
    if joined and any(word in LOOKED_AT for word in tokens[start + 1 : start + 3]):  # out of the picture
        return None
    following = tokens[start + 1] if start + 1 < len(tokens) else ","
    determined = is_determiner(following)
    goes_on = not held and position and (determined or _is_mass(tokens, start + 1))
    if following in CONNECTORS or not (has_thing(held) or goes_on):
        return None
    if joined:
        return Verb("beside", " ".join(tokens[start - 1 : start + 1]), start + 1 - position)
    listed = participle in verbs.participles and (relative or _is_done_with(tokens, start + 1))
    if participle == "wearing" and not relative and tokens[position] == participle:  # the grammar's own connector
        return None
    if not determined and not listed:
        return None
    return Verb(verbs.participles.get(participle, "beside"), participle, start + 1 - position)


def is_determiner(word: str) -> bool:
    """Tell whether a noun phrase begins with the word: an article, or a number."""
    return word in ARTICLES or bool(number_of(word)) or word in NUMBERS[1:]


def has_thing(held: Sequence[str]) -> bool:
    """Tell whether words say more than how many there are of something, how large, and in which colour."""
    return any(not (word in ARTICLES or word in SIZES or colour_of(word) or number_of(word)) for word in held)


def _is_done_with(tokens: Sequence[str], start: int) -> bool:
    """Tell whether the noun phrase that starts here, without article, is in the plural or no thing that is counted."""
    phrase = _phrase(tokens, start)
    last = phrase[-1] if phrase else ""
    return (len(last) > 3 and last.endswith("s") and not last.endswith(("ss", "us", "is"))) or _is_mass(tokens, start)


def _is_mass(tokens: Sequence[str], start: int) -> bool:
    phrase = _phrase(tokens, start)
    return bool(phrase) and (phrase[-1] in _verbs().mass or " ".join(phrase[-2:]) in _verbs().mass)


def _phrase(tokens: Sequence[str], start: int) -> Sequence[str]:
    """Return the words from here to what connects them with others; none where they are too many."""
    end = start
    while end < len(tokens) and tokens[end] not in CONNECTORS and tokens[end] not in _verbs().prepositions:
        end += 1
        if end - start > _LONGEST_OBJECT:
            return ()
    return tokens[start:end]


def posture_begins(tokens: Sequence[str], position: int, held: Sequence[str]) -> int:
    """Return how many tokens only lead over to a participle: 2 at "that is" of "a cat that is sleeping on a bed"."""
    start = position
    if held and tokens[start] in RELATIVE:
        start += 1
    begun = start
    while start < len(tokens) and tokens[start] in BE:
        start += 1
    leads = held and start > begun and start < len(tokens) and is_participle(tokens[start])
    return start - position if leads else 0
