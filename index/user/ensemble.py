"""One library searched with several models at once: each ranks, the captions' words rank, and the ranks are fused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from imagerag.errors import InvalidArgument
from imagerag.index.base import PLAIN_SEARCH, Hit, SearchOptions
from imagerag.index.fusion import fuse, most_relevant, ranked
from imagerag.index.user.duplicates import fold_near_duplicates
from imagerag.index.user.search import POOL, Match, SearchQuery
from imagerag.index.user.snapshot import Snapshot
from imagerag.index.user.store import UserPictures

if TYPE_CHECKING:
    from PIL import Image


class Candidate(NamedTuple):
    """A picture that a model has found: whose, in which state of what is known, and where."""

    own: UserPictures
    known: Snapshot
    found: Match


class ModelEnsemble:
    """The own pictures of one data directory, embedded by several models.

    Args:
        own: of one model each, at least one; the first one's cosines are told, and tell what is unlike.
    """

    def __init__(self, own: Sequence[UserPictures]) -> None:
        self.own = list(own)

    def search(self, captions: Sequence[str], k: int, options: SearchOptions = PLAIN_SEARCH) -> list[list[Hit]]:
        """See ``ReferenceIndex.search``; ranks of several models are always fused.

        Raises:
            UserError: one of the models has embedded none of the pictures that there are.
        """
        exclude = frozenset(options.exclude)
        lists: list[list[list[Candidate]]] = []
        for own in self.own:
            subject = own.embedder.embed_images([options.like])[0] if options.like is not None else None
            query = SearchQuery(POOL * k, exclude, options.where, like=subject)
            lists.append(_candidates(own, captions, query))
        words = SearchQuery(POOL * k, exclude, options.where, fused=True, words_only=True)
        lists.append(_candidates(self.own[0], captions, words))
        answers = []
        for caption, *of_caption in zip(captions, *lists, strict=True):
            by_address = {_address(one): one for found in reversed(of_caption) for one in found}
            score = fuse([[_address(one) for one in found] for found in of_caption])
            best = [by_address[key] for key in ranked(score)]
            picked = self._picked(best, k, bool(options.fold), options.diverse or 0.0)
            answers.append([hit for one in picked for hit in one.own.above(options.floor, caption, _hits(one))])
        return answers

    def image(self, sha256: str) -> Image.Image:
        """See ``ReferenceIndex.image``."""
        for own in self.own[:-1]:
            try:
                return own.image(sha256)
            except InvalidArgument:
                continue
        return self.own[-1].image(sha256)

    def close(self) -> None:
        """Let go of Chroma's files."""
        for own in self.own:
            own.close()

    def _picked(self, best: list[Candidate], k: int, fold: bool, diverse: float) -> list[Candidate]:
        if fold or diverse > 0:
            best = fold_near_duplicates(best, _look)
        if diverse == 0 or len(best) <= k:
            return best[:k]
        best = best[: POOL * k]
        known = self.own[0].snapshot()
        places = [known.by_address.get(_address(one)) for one in best]
        vectors = np.zeros((len(best), self.own[0].embedder.dimension), np.float32)  # like nothing, if not known to it
        there = [at for at, place in enumerate(places) if place is not None]
        vectors[there] = known.vectors([place for place in places if place is not None])
        return [best[at] for at in most_relevant(vectors, k, diverse)]


def _candidates(own: UserPictures, captions: Sequence[str], query: SearchQuery) -> list[list[Candidate]]:
    known, answers = own.found(captions, query)
    return [[Candidate(own, known, found) for found in answer] for answer in answers]


def _address(one: Candidate) -> str:
    return str(one.known.value(one.found.at, "sha256"))


def _look(one: Candidate) -> int:
    return int(one.known.looks[one.found.at])


def _hits(one: Candidate) -> list[Hit]:
    return one.own.hits(one.known, [one.found], 1)
