"""Searching: Chroma for what it holds, an exact product for what it does not hold yet; nothing is written."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from imagerag.errors import FileError
from imagerag.index.filters import Condition, chosen
from imagerag.index.fusion import fuse, most_relevant, ranked
from imagerag.index.user.duplicates import fold_near_duplicates
from imagerag.index.user.fulltext import FullTextIndex
from imagerag.index.user.shards import FULL
from imagerag.index.user.snapshot import Snapshot
from imagerag.index.user.vector_store import Outdated, SyncState, VectorStore, address_of, caption_ids

_log = logging.getLogger(__name__)

MOST = 2000
"""Candidates asked of Chroma at once where a filter is expected to leave enough of them."""
TRY_AGAIN = 60.0
"""Seconds after which a copy that could not be read is looked at again: the disk may have room, or it was made anew."""
POOL = 4
"""Times as many candidates as are wanted, for what chooses among them."""


class Match(NamedTuple):
    """One picture that was found: its row, and the cosine of its look or its caption with the query, -1..1."""

    at: int
    similarity: float


class SearchQuery(NamedTuple):
    """How to search.

    Attributes:
        k: how many pictures.
        exclude: addresses that must not come back.
        where: conditions that must hold.
        fused: rank by look, caption and the caption's words together instead of by similarity.
        fold: of near-duplicates only the best.
        like: (d,) embedding of a picture that what is found should look like, too: a person's subject.
        words_only: rank by the caption's words alone; only with ``fused``.
        diverse: 0 for the most similar ones, towards 1 the more unlike each other (maximal marginal relevance).
    """

    k: int
    exclude: frozenset[str] = frozenset()
    where: tuple[Condition, ...] = ()
    fused: bool = False
    fold: bool = False
    diverse: float = 0.0
    like: NDArray[np.float32] | None = None
    words_only: bool = False


class Searcher:
    """Searches one state of what is known.

    Args:
        known: what is known.
        collections: Chroma's, which may lag behind or be lost.
    """

    def __init__(self, known: Snapshot, collections: VectorStore) -> None:
        self.known = known
        self._collections = collections
        self._unreadable: float | None = None  # since when
        self._hold(self._opened())
        self._has_meaning = known.has("meaning")
        self._captions: dict[str, int] | None = None

    def _hold(self, applied: SyncState | None) -> None:
        """Begin with what Chroma was brought up to: the rows that it lacks are searched by themselves."""
        known = self.known
        self._applied = applied
        names = applied.shards if applied else frozenset()
        late = np.array([shard.name not in names for shard in known.shards], np.bool_)
        self._late = np.flatnonzero(late[known.shard]) if len(known) else np.empty(0, np.int64)
        self._late = self._late[np.sort(np.unique(known.codes[self._late], return_index=True)[1])]
        self._late_vectors: dict[str, NDArray[np.float32]] = {}
        self._late_words: FullTextIndex | None = None

    @property
    def outdated(self) -> bool:
        """Whether Chroma has been brought further up to date since; asked only where it lags behind."""
        if self._unreadable is not None:
            return time.monotonic() - self._unreadable > TRY_AGAIN
        return len(self._late) > 0 and self._collections.applied() != self._applied

    @property
    def late(self) -> int:
        """How many rows Chroma does not hold yet."""
        return len(self._late)

    def search(self, texts: Sequence[str], vectors: NDArray[np.float32], query: SearchQuery) -> list[list[Match]]:
        """Return what is found for each text, best first.

        Args:
            texts: what is looked for.
            vectors: (n, d) their embeddings.
            query: how.

        Raises:
            ServiceError: Chroma's server does not answer.
        """
        try:
            return self._search(texts, vectors, query)
        except (FileError, Outdated) as error:  # only a copy; the shards have all that counts
            if self._applied is None:
                raise
            self._do_without(error)
            return self._search(texts, vectors, query)

    def _do_without(self, error: Exception) -> None:
        _log.warning("%s; searched without it", error)
        self._unreadable = time.monotonic()
        self._hold(None)

    def _search(self, texts: Sequence[str], vectors: NDArray[np.float32], query: SearchQuery) -> list[list[Match]]:
        mask = chosen(self.known.table, query.where) if query.where else None
        if mask is not None and not mask.any():
            return [[] for _ in texts]
        place = self.known.by_address
        if mask is not None:  # the newest row of a picture may be one that is filtered out
            addresses = self.known.table.column("sha256").to_pylist()
            place = {addresses[at]: int(at) for at in np.flatnonzero(mask)}
        choosing = query.fold or query.diverse > 0 or query.fused or query.like is not None
        wanted = query.k * (POOL if choosing else 1) + len(query.exclude)
        pictures = self._nearest("embedding", vectors, wanted, mask)
        captions = self._nearest("meaning", vectors, wanted, mask) if self._has_meaning else [{} for _ in texts]
        answers = []
        for text, vector, looks, meanings in zip(texts, vectors, pictures, captions, strict=True):
            similarity = {key: max(looks.get(key, -1.0), meanings.get(key, -1.0)) for key in {**looks, **meanings}}
            if query.fused:
                lists = self._by_words(text, wanted, mask)
                if not query.words_only:
                    lists = [ranked(looks), ranked(meanings), *lists]
                score = fuse(lists)
                lacking = sorted(score.keys() - similarity.keys())
                if lacking:
                    rows = [self.known.by_address[key] for key in lacking]
                    similarity |= dict(zip(lacking, (self.known.vectors(rows) @ vector).tolist(), strict=True))
            else:
                score = similarity
            best = [key for key in ranked(score) if key not in query.exclude]
            if query.like is not None and best:
                likeness = self.known.vectors([place[key] for key in best]) @ query.like
                best = ranked(fuse([best, [best[at] for at in np.argsort(-likeness)]]))
            answers.append([Match(place[key], similarity[key]) for key in self._picked(best, query)])
        return answers

    def _picked(self, best: list[str], query: SearchQuery) -> list[str]:
        """Choose ``k`` of the candidates, best first: near-duplicates folded, then the unlike."""
        if query.fold or query.diverse > 0:  # copies are what is least unlike
            best = self._folded(best)
        if query.diverse > 0 and len(best) > query.k:
            best = best[: POOL * query.k]
            vectors = self.known.vectors([self.known.by_address[key] for key in best])
            return [best[at] for at in most_relevant(vectors, query.k, query.diverse)]
        return best[: query.k]

    def _folded(self, best: list[str]) -> list[str]:
        return fold_near_duplicates(best, lambda key: int(self.known.looks[self.known.by_address[key]]))

    def _nearest(
        self, name: str, vectors: NDArray[np.float32], wanted: int, mask: NDArray[np.bool_] | None
    ) -> list[dict[str, float]]:
        """Return the nearest pictures of each vector with their cosines; by captions if ``name`` is ``meaning``."""
        if mask is not None:
            return self._filtered(mask, name, vectors, wanted)
        late = self._exact(self._late, name, vectors, wanted) if len(self._late) else [{} for _ in vectors]
        if self._applied is None or len(self._late) == len(self.known):
            return late
        collection = self._collections.pictures if name == "embedding" else self._collections.captions
        # What was changed or removed since Chroma was brought up to date is found, too, and left out below.
        beyond = min(wanted + self.known.superseded, 4 * wanted) if len(self._late) else wanted
        with self._collections.naming():
            answer = collection.query(query_embeddings=vectors, n_results=beyond, include=["distances"])
        addresses = self.known.by_address
        for found, ids, distances in zip(late, answer["ids"], answer["distances"], strict=True):
            for key, distance in zip(ids, distances, strict=True):
                sha256 = key if name == "embedding" else address_of(key)
                if sha256 in addresses and (name == "embedding" or key in self._caption_rows()):
                    found[sha256] = max(found.get(sha256, -1.0), 1 - float(distance))
        return late

    def _filtered(
        self, mask: NDArray[np.bool_], name: str, vectors: NDArray[np.float32], wanted: int
    ) -> list[dict[str, float]]:
        """Return the nearest of what a filter leaves: from Chroma if it leaves much, else by multiplying."""
        rows = np.flatnonzero(mask)
        many = wanted * int(np.ceil(2 * len(mask) / len(rows)))
        if len(rows) > FULL and many <= MOST:
            fitting = set(self.known.table.column("sha256").take(rows).to_pylist())
            found = self._nearest(name, vectors, many, None)
            found = [{key: value for key, value in of_it.items() if key in fitting} for of_it in found]
            if all(len(of_it) >= wanted for of_it in found):
                return [{key: of_it[key] for key in ranked(of_it)[:wanted]} for of_it in found]
        return self._exact(rows, name, vectors, wanted)

    def _exact(
        self, rows: NDArray[np.int64], name: str, vectors: NDArray[np.float32], wanted: int
    ) -> list[dict[str, float]]:
        """Multiply: what Chroma lacks, and what a filter leaves."""
        found: list[dict[str, float]] = [{} for _ in vectors]
        addresses = self.known.table.column("sha256")
        if rows is not self._late and name == "embedding":  # copies of one picture are one
            rows = rows[np.sort(np.unique(self.known.codes[rows], return_index=True)[1])]
        for part, theirs in self._parts(rows, name):
            cosines = vectors @ theirs.T
            most = min(wanted, len(part))
            for of_it, row in zip(found, cosines, strict=True):
                for at in np.argpartition(-row, most - 1)[:most]:
                    key = addresses[int(part[at])].as_py()
                    of_it[key] = max(of_it.get(key, -1.0), float(row[at]))
        return [{key: of_it[key] for key in ranked(of_it)[:wanted]} for of_it in found]

    def _parts(self, rows: NDArray[np.int64], name: str) -> list[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        if rows is not self._late:
            return list(self.known.in_parts(rows, name))
        if name not in self._late_vectors:
            self._late_vectors[name] = self.known.vectors(rows, name)
        return [(rows, self._late_vectors[name])]

    def _by_words(self, text: str, wanted: int, mask: NDArray[np.bool_] | None) -> list[list[str]]:
        """Return addresses by the words of their captions, best first: of what Chroma holds, and of the rest."""
        rows = self._caption_rows()
        sources = [self._collections.words] if self._applied else []
        if len(self._late):
            if self._late_words is None:
                self._late_words = FullTextIndex()
                late = set(self._late.tolist())
                texts = self.known.table.column("caption")
                self._late_words.change([], [(key, texts[at].as_py()) for key, at in rows.items() if at in late])
            sources.append(self._late_words)
        lists = []
        for words in sources:
            assert words is not None
            limit = wanted if mask is None else len(rows)
            keys = [key for key in words.search(text, limit) if key in rows and (mask is None or mask[rows[key]])]
            lists.append(list(dict.fromkeys(address_of(key) for key in keys))[:wanted])
        return lists

    def _caption_rows(self) -> dict[str, int]:
        if self._captions is None:
            self._captions = caption_ids(self.known)
        return self._captions

    def _opened(self) -> SyncState | None:
        applied = self._collections.applied()
        if applied is None:
            return None
        try:
            self._collections.open(applied)
        except Outdated:
            return None  # only a copy; the shards have all that counts
        except FileError as error:
            _log.warning("%s; searched without it", error)
            self._unreadable = time.monotonic()
            return None
        return applied
