"""What captions name: their concepts, and which pictures carry something that a query asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from imagerag.assets import asset
from imagerag.prompt_grammar.inflection import singular
from imagerag.prompt_grammar.parser import parse_scene
from imagerag.prompt_grammar.vocabulary import ARTICLES

MOST_CONCEPTS = 3
"""Concepts that are taken of one caption: those named first are what a picture is of."""
LONGEST_CONCEPT = 12
"""Words of a phrase that still is a name."""
_WORD = re.compile(r"\w+")
_PLAIN = frozenset({*ARTICLES, "of", "with", "in", "on", "at", "and", "or", "for", "to", "by", "from"})


@lru_cache(maxsize=1)
def common_names() -> tuple[str, ...]:
    """Return the committed list of everyday names of things."""
    lines = asset("common_names.txt").read_text(encoding="utf-8").splitlines()
    return tuple(line for line in lines if not line.startswith("#"))


def concepts_of(caption: str) -> list[str]:
    """Return the things that a caption names: its noun phrases, or the caption itself where it is not understood.

    Nothing comes back of a caption without letters, as in ``0012``.
    """
    if not re.search(r"[^\W\d_]{2}", caption):
        return []
    phrases = parse_scene(caption).content_concepts()[:MOST_CONCEPTS]
    return [phrase for phrase in phrases if len(phrase.split()) <= LONGEST_CONCEPT] or [caption.strip().lower()]


def content_words(text: str) -> list[str]:
    """Return the words of a text that mean something, lower case and in the singular, in order."""
    words = [singular(word) for word in _WORD.findall(text.lower())]
    return [word for word in words if word not in _PLAIN]


def carries(query: str, caption: str) -> bool:
    """Tell whether a caption has all the words of a query that mean something."""
    wanted = content_words(query)
    return bool(wanted) and set(wanted) <= set(content_words(caption))


class CaptionWords:
    """The words of many captions, looked up by word.

    Args:
        captions: of the pictures, by their place.
    """

    def __init__(self, captions: Sequence[str]) -> None:
        self._count = len(captions)
        places: dict[str, list[int]] = {}
        for place, caption in enumerate(captions):
            for word in set(content_words(caption)):
                places.setdefault(word, []).append(place)
        self._places = {word: np.array(found, np.int64) for word, found in places.items()}

    def carrying(self, concept: str) -> NDArray[np.int64]:
        """Return the places of the captions that have all words of a concept."""
        return self._with_all(content_words(concept))

    def related(self, concept: str) -> NDArray[np.int64]:
        """Return the places of the captions that may name the concept in other words: those that have its main word.

        Where most captions have it, as "flag" in a collection of flags, it tells nothing: then all words must be there.
        """
        words = content_words(concept)
        head = content_words(re.split(r" (?:of|with|in|on|and) ", concept, maxsplit=1)[0])[-1:] or words[-1:]
        found = self._with_all(head)
        return found if 2 * len(found) < self._count else self._with_all(words)

    def _with_all(self, words: Iterable[str]) -> NDArray[np.int64]:
        found: NDArray[np.int64] | None = None
        for word in words:
            places = self._places.get(word, np.empty(0, np.int64))
            found = places if found is None else np.intersect1d(found, places, assume_unique=True)
        return np.empty(0, np.int64) if found is None else found
