"""What Patchwork knows: which drawings of the base set stand for a phrase, and how surely."""

import math
import threading
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imagerag.prompt_grammar.inflection import singular

Floats = NDArray[np.float32]

NEIGHBOURS = 3
"""How many concepts an unknown phrase is a mixture of."""
TEMPERATURE = 0.05
"""Cosine similarity that makes a neighbour e times likelier."""
KEYWORD_BONUS = 0.12
"""Added to the similarity of a concept that lists the phrase among its keywords."""
STYLE_SETS: dict[str, dict[str, float]] = {
    "flat": {"twemoji": 1.0, "fluent-flat": 1.0, "fxemoji": 0.7},
    "3d": {"fluent": 1.0},
    "noto": {"noto": 1.0},
    "fluent": {"fluent": 1.0},
    "fluent flat": {"fluent-flat": 1.0},
    "twemoji": {"twemoji": 1.0},
    "fxemoji": {"fxemoji": 1.0},
}
"""How much of a style each set has, 0..1; a set that isn't named has none."""
OTHER_STYLE = 0.01
"""Weight of drawings in another style than the prompt names: used when there are no better ones."""


class Entry(Protocol):
    """One picture of the library."""

    @property
    def concept(self) -> str: ...
    @property
    def keywords(self) -> Sequence[str]: ...
    @property
    def set(self) -> str: ...
    @property
    def sha256(self) -> str: ...
    @property
    def in_base(self) -> bool: ...


class Pictures(Protocol):
    """The part of the reference library that Patchwork uses."""

    @property
    def entries(self) -> Sequence[Entry]: ...
    def image(self, index: int, /) -> Image.Image:
        """RGBA."""


class Embeds(Protocol):
    """The text side of CLIP."""

    def embed_texts(self, texts: list[str], /) -> Floats:
        """(n, d) unit vectors."""


class Choice(NamedTuple):
    """An entry of the library, its index there and its weight; the weights of one answer sum to 1."""

    picture: int
    entry: Entry
    weight: float


class Knowledge:
    """Looks phrases up among the base set's concepts. Safe to use from several threads.

    Args:
        library: only entries with ``in_base`` are ever used.
        embedder: asked for the names of all concepts once, when the first unknown phrase comes.
    """

    def __init__(self, library: Pictures, embedder: Embeds) -> None:
        self._embedder = embedder
        self._of: dict[str, list[tuple[int, Entry]]] = {}
        self._keywords: dict[str, set[str]] = {}
        for index, entry in enumerate(library.entries):
            if entry.in_base:
                self._of.setdefault(entry.concept.lower(), []).append((index, entry))
                for keyword in entry.keywords:
                    self._keywords.setdefault(keyword.lower(), set()).add(entry.concept.lower())
        self.names: tuple[str, ...] = tuple(self._of)
        self._told_of = {word.lower() for entry in library.entries for word in (entry.concept, *entry.keywords)}
        self._matrix: Floats | None = None
        self._vectors: dict[str, Floats] = {}
        self._lock = threading.Lock()

    def concepts(self, phrase: str) -> list[tuple[str, float]]:
        """The concepts that stand for a phrase, likeliest first, with weights that sum to 1.

        A known name stands for itself alone. Anything else is a mixture of its nearest neighbours: the generator
        hallucinates what it doesn't know, as trained ones do.
        """
        if not self._of:
            return []
        for name in (phrase, singular(phrase)):
            if name in self._of:
                return [(name, 1.0)]
        similarity = self.name_vectors() @ self.vector(phrase)
        hits = self._keywords.get(phrase, set()) | self._keywords.get(singular(phrase), set())
        similarity = similarity + np.array([KEYWORD_BONUS if name in hits else 0 for name in self.names], np.float32)
        nearest = np.argsort(-similarity, kind="stable")[:NEIGHBOURS]
        odds = np.exp((similarity[nearest] - similarity[nearest[0]]) / TEMPERATURE)
        odds = odds / odds.sum()
        return [(self.names[i], float(weight)) for i, weight in zip(nearest, odds, strict=True) if weight > 0.03]

    def stand_ins(self, phrase: str) -> list[str]:
        """Return what is drawn for a phrase that is no name or keyword of the library, likeliest first.

        Empty for all that it has: what the base set lacks of that is found by look-up.
        """
        if {phrase, singular(phrase)} & self._told_of or not self._of:
            return []
        return [name for name, _ in self.concepts(phrase)]

    def examples(self, phrase: str, styles: Sequence[str] = ()) -> list[Choice]:
        """The drawings that stand for a phrase in the given styles; empty only when the base set is."""
        chosen: list[Choice] = []
        for name, weight in self.concepts(phrase):
            drawings = self._of[name]
            liking = [style_weight(entry.set, styles) for _, entry in drawings]
            total = sum(liking)
            chosen += [
                Choice(index, entry, weight * like / total)
                for (index, entry), like in zip(drawings, liking, strict=True)
            ]
        whole = sum(choice.weight for choice in chosen)
        return [choice._replace(weight=choice.weight / whole) for choice in chosen]

    def vector(self, text: str) -> Floats:
        """(d,) unit vector of a phrase."""
        with self._lock:
            if text not in self._vectors:
                if len(self._vectors) > 4096:
                    self._vectors.clear()
                self._vectors[text] = self._embedder.embed_texts([text])[0]
            return self._vectors[text]

    def name_vectors(self) -> Floats:
        """(n, d) unit vectors of ``names``."""
        with self._lock:
            if self._matrix is None:
                self._matrix = self._embedder.embed_texts(list(self.names))
            return self._matrix


def style_weight(set_name: str, styles: Sequence[str]) -> float:
    """How well a set fits all the styles named; 1 when none is that Patchwork knows."""
    weights = [max(STYLE_SETS[style].get(set_name, 0.0), OTHER_STYLE) for style in styles if style in STYLE_SETS]
    return math.prod(weights)
