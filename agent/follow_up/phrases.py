"""The words that follow-ups are made of, from ``phrases.toml``, and a request without what is said around it."""

import re
import tomllib
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import cast

from imagerag.prompt_grammar.vocabulary import PAIRS, RelationKind, dozens_of

SHORTEST_MISSPELT = 3
"""Letters of the shortest word that is taken for a misspelt verb."""
NO_NAME = frozenset(
    ["for", "from", "to", "has", "have", "had", "having", "is", "are", "be", "being", "was", "were", "it", "he", "she",
     "they", "him", "her", "them", "his", "this", "that", "these", "those", "there", "here", "somewhere", "because",
     "bc", "cuz", "so", "very", "also", "too", "as", "if", "when", "while", "then", "now", "instead", "please", "not",
     "no", "but", "or", "and", "should", "could", "would", "can", "may", "might", "must", "will", "let", "want",
     "wants", "need", "needs", "like", "put", "make", "add"]
)  # fmt: skip
"""Words that no thing's name has."""
_QUOTES = str.maketrans({"\u2019": "'", "\u2018": "'", "\u201c": '"', "\u201d": '"'})
_MARKS = " \t.,;:!?\u2026"


@dataclass(frozen=True)
class Phrases:
    """The tables of ``phrases.toml``; phrases of several words are looked up as tuples of words.

    Attributes:
        verbs: of each kind of change, its verbs, longest first.
        before, after: what is said around a request, longest first.
        wishes: what "add" may be said as, longest first.
        relations: connectors of two things, longest first.
    """

    verbs: dict[str, tuple[tuple[str, ...], ...]]
    before: tuple[tuple[str, ...], ...]
    after: tuple[tuple[str, ...], ...]
    wishes: tuple[tuple[str, ...], ...]
    relations: tuple[tuple[tuple[str, ...], RelationKind], ...]
    picture: frozenset[str]
    whole: frozenset[str]
    it: frozenset[str]
    them: frozenset[str]
    ordinals: tuple[str, ...]
    indefinite: frozenset[str]
    definite: frozenset[str]
    pairs: frozenset[str]
    no_things: frozenset[str]
    abstract: frozenset[str]
    places: frozenset[str]
    times: frozenset[str]
    time_prefixes: tuple[tuple[str, ...], ...]
    styles: frozenset[str]
    parts: dict[str, frozenset[str]]
    frame: dict[str, str]
    sizes: dict[str, frozenset[str]]
    framing: dict[str, frozenset[str]]
    aliases: dict[str, str]
    asides: tuple[str, ...]


@lru_cache(maxsize=1)
def phrases() -> Phrases:
    """Read the tables once per process."""
    data = tomllib.loads((Path(__file__).parent / "phrases.toml").read_text(encoding="utf-8"))
    words = data["words"]
    relations = [(tuple(said.split()), cast("RelationKind", kind)) for said, kind in data["relations"].items()]
    return Phrases(
        verbs={kind: _longest_first(verbs) for kind, verbs in data["verbs"].items()},
        before=_longest_first(data["courtesy"]["before"]),
        after=_longest_first(data["courtesy"]["after"]),
        wishes=_longest_first(data["courtesy"]["wishes"]),
        relations=tuple(sorted(relations, key=lambda pair: -len(pair[0]))),
        picture=frozenset(words["picture"]),
        whole=frozenset(words["whole"]),
        it=frozenset(words["it"]),
        them=frozenset(words["them"]),
        ordinals=tuple(words["ordinals"]),
        indefinite=frozenset(words["indefinite"]),
        definite=frozenset(words["definite"]),
        pairs=PAIRS,
        no_things=frozenset(words["no_things"]),
        abstract=frozenset(words["abstract"]),
        places=frozenset(data["settings"]["places"]),
        times=frozenset(data["settings"]["times"]),
        time_prefixes=_longest_first(data["settings"]["time_prefixes"]),
        styles=frozenset(data["styles"]["names"]),
        parts={kind: frozenset(names) for kind, names in data["parts"].items()},
        frame=data["frame"],
        sizes={kind: frozenset(names) for kind, names in data["sizes"].items()},
        aliases=data["aliases"],
        asides=tuple(data["asides"]["starts"]),
        framing={kind: frozenset(names) for kind, names in data["framing"].items()},
    )


def _longest_first(texts: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    return tuple(sorted((tuple(text.split()) for text in texts), key=len, reverse=True))


def words_of(request: str) -> list[str]:
    """Return the words of a request in lower case; commas, semicolons and full stops inside it are words."""
    text = unicodedata.normalize("NFKC", request).translate(_QUOTES).lower()
    text = re.sub(r"\.{2,}|\u2026", " , ", text)
    text = re.sub(r"([,;:!?]|\.(?=\s|$))", r" \1 ", text)
    return text.replace('"', " ").split()


def with_dozens_counted(words: Sequence[str]) -> list[str]:
    """Return "12 eggs" of "a dozen eggs", and "6 of them" of "half a dozen of them"."""
    counted, at = [], 0
    while at < len(words):
        number, length = dozens_of(words[at : at + 3])
        counted.append(str(number) if number else words[at])
        at += length or 1
    return counted


_HESITATIONS = frozenset(["uh", "uhh", "uhm", "um", "umm", "er", "erm", "ehm", "ähm", "uhhh", "ummm", "oof", "phew"])


def without_hesitation(words: Sequence[str]) -> list[str]:
    """Leave out what says nothing wherever it stands: the "uh" of "a broom uh on the right"."""
    return [word for word in words if word not in _HESITATIONS] or list(words)


def starts_with(words: Sequence[str], said: Iterable[tuple[str, ...]]) -> int:
    """Return how many words the first of these phrases takes with which the words start; 0 if none."""
    return next((len(one) for one in said if tuple(words[: len(one)]) == one), 0)


def ends_with(words: Sequence[str], said: Iterable[tuple[str, ...]]) -> int:
    """Return how many words the first of these phrases takes with which the words end; 0 if none."""
    return next((len(one) for one in said if len(words) >= len(one) and tuple(words[-len(one) :]) == one), 0)


def without_courtesy(words: Sequence[str], keep_first: Iterable[tuple[str, ...]] = ()) -> list[str]:
    """Leave out what is said around a request ("can you please ...?"); a request that is nothing else stays.

    Args:
        words: of the request.
        keep_first: phrases that no word is taken from at the start, such as "no more".
    """
    said = phrases()
    left = _without_marks(words)
    if left[:2] in (["no", ","], ["nope", ","], ["nah", ","], ["no", "."]) and len(left) > 2:
        left = _without_marks(left[2:])
    keep = tuple(keep_first)
    while length := starts_with(left, said.before):
        rest = _without_marks(left[length:])
        if not rest or starts_with(left, keep) > length:
            break
        left = rest
    while length := ends_with(left, said.after):
        rest = _without_marks(left[:-length])
        if not rest:
            break
        left = rest
    return left


def _without_marks(words: Sequence[str]) -> list[str]:
    start, end = 0, len(words)
    while start < end and not words[start].strip(_MARKS):
        start += 1
    while end > start and not words[end - 1].strip(_MARKS):
        end -= 1
    return list(words[start:end])


def with_verb_spelt(words: Sequence[str], known: Collection[str]) -> list[str]:
    """Put a misspelt verb at the start right, where an object follows it and it is no word that is known."""
    said = phrases()
    if len(words) < 2 or len(words[0]) < SHORTEST_MISSPELT or words[0] in known:
        return list(words)
    verbs = [verb[0] for kind in said.verbs.values() for verb in kind]
    follows = words[1] in said.it | said.them | said.indefinite | said.definite | {"me", "rid"}
    first = words[0]
    if first in verbs or not follows or starts_with(words, said.before + said.wishes):
        return list(words)
    right = next((verb for verb in verbs if len(verb) >= SHORTEST_MISSPELT and one_slip(first, verb)), first)
    return [right, *words[1:]]


def one_slip(word: str, other: str) -> bool:
    """Tell whether a word is another with one letter more, less or changed, or with two neighbours turned."""
    if abs(len(word) - len(other)) > 1 or word == other:
        return False
    at = next((k for k, (a, b) in enumerate(zip(word, other, strict=False)) if a != b), min(len(word), len(other)))
    if len(word) == len(other):
        turned = word[at : at + 2] == other[at : at + 2][::-1] and word[at + 2 :] == other[at + 2 :]
        return word[at + 1 :] == other[at + 1 :] or turned
    longer, shorter = (word, other) if len(word) > len(other) else (other, word)
    return longer[at + 1 :] == shorter[at:]


def joined(words: Sequence[str]) -> str:
    """Return words as they are written, marks at the word before them."""
    return re.sub(r" ([,.;:!?])", r"\1", " ".join(words)).strip()
