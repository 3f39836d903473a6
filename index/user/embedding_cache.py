"""What was embedded before, by the SHA-256 of its bytes: known when adding began, written since, or on its way."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from imagerag.index.user.shards import Shard, Shards, vectors_of
from imagerag.index.user.snapshot import Snapshot

Vector = tuple[NDArray[np.float32], int]
"""Embedding (d,) and look of a picture."""


class EmbeddingCache(Collection[str]):
    """The pictures that need no embedding. Any thread may ask what is in it.

    Args:
        known: what was known before.
        shards: where what is written since can be read again.
    """

    def __init__(self, known: Snapshot, shards: Shards) -> None:
        self._known = known
        self._shards = shards
        self._fresh: dict[str, Vector] = {}
        self._places: dict[str, tuple[Shard, int]] = {}

    def __contains__(self, sha256: object) -> bool:
        return sha256 in self._fresh or sha256 in self._places or sha256 in self._known.by_address

    def __iter__(self) -> Iterator[str]:
        return chain(self._known.by_address, self._places, self._fresh)

    def __len__(self) -> int:
        return len(self._known.by_address) + len(self._places) + len(self._fresh)

    def __getitem__(self, sha256: str) -> Vector:
        if sha256 in self._fresh:
            return self._fresh[sha256]
        if sha256 in self._places:
            shard, row = self._places[sha256]
            table = self._shards.read(shard, ["embedding", "look"])
            return vectors_of(table, "embedding")[row], table.column("look")[row].as_py()
        at = self._known.by_address[sha256]
        return self._known.vectors([at])[0], int(self._known.looks[at])

    def keep(self, sha256: str, vector: NDArray[np.float32], look: int) -> None:
        """Remember a picture that is not written yet."""
        if sha256 not in self:
            self._fresh[sha256] = vector, look

    def written(self, shard: Shard, addresses: list[str]) -> None:
        """From now on find the pictures of these rows in their shard."""
        for row, sha256 in enumerate(addresses):
            self._places.setdefault(sha256, (shard, row))
            self._fresh.pop(sha256, None)
