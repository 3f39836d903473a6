"""What the words of a sentence do in it: the kinds of chunks, and the tables of ``lexicon.toml``."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

from imagerag.prompt_grammar.vocabulary import RelationKind

Kind = Literal[
    "there", "new", "relation", "side", "colour", "size", "number", "background", "style", "time",
    "add", "put", "remove", "replace", "make", "give", "fill", "have", "wear", "at", "is", "swap", "not", "instead",
    "mark", "measure", "needed", "unread",
]  # fmt: skip
CODES: dict[Kind, str] = {
    "there": "T", "new": "N", "relation": "R", "side": "S", "colour": "C", "size": "Z", "number": "#",
    "background": "b", "style": "y", "time": "t", "add": "a", "put": "p", "remove": "r", "replace": "x",
    "make": "m", "give": "g", "fill": "l", "have": "h", "wear": "w", "at": "q", "is": "i", "swap": "f", "not": "!",
    "instead": "s", "mark": ",", "measure": "e", "needed": "n", "unread": "u",
}  # fmt: skip
"""One letter for each kind, so that a sentence is matched as a string of them."""


class Chunk(NamedTuple):
    """Words of a sentence, and what they do.

    Attributes:
        kind: what they do.
        words: as typed.
        relation: of a relation, which.
        taken: of how many typed words it is made, where these are others than ``words``.
        implied: whether the other thing of a relation is left out: "a volcano in the background".
    """

    kind: Kind
    words: tuple[str, ...]
    relation: RelationKind | None = None
    implied: bool = False
    taken: int = 0


@dataclass(frozen=True)
class Lexicon:
    """The tables of ``lexicon.toml``; phrases are tuples of words, longest first."""

    verbs: dict[str, tuple[tuple[str, ...], ...]]
    between: dict[str, tuple[tuple[str, ...], ...]]
    filler: frozenset[str]


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """Read the tables once per process."""
    data = tomllib.loads((Path(__file__).parent / "lexicon.toml").read_text(encoding="utf-8"))

    def longest_first(texts: Sequence[str]) -> tuple[tuple[str, ...], ...]:
        return tuple(sorted((tuple(text.split()) for text in texts), key=len, reverse=True))

    return Lexicon(
        {kind: longest_first(verbs) for kind, verbs in data["verbs"].items()},
        {kind: longest_first(words) for kind, words in data["between"].items()},
        frozenset(data["filler"]["words"]),
    )


def codes_of(chunks: Sequence[Chunk]) -> str:
    """Return the letters of the chunks' kinds, in their order."""
    return "".join(CODES[chunk.kind] for chunk in chunks)
