"""Where pictures are read and embedded: on this machine's threads, or wherever another engine takes them."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from imagerag.embedders.clip import PreprocessingEmbedder
from imagerag.embedders.cpu_workers import CpuWorkers
from imagerag.index.user.sources.decoding import Decoded, decode
from imagerag.index.user.sources.items import Item

if TYPE_CHECKING:
    from imagerag.embedders.clip import Embedder

BATCH = 64
"""Pictures embedded and written at a time: what a killed run has to do again."""
AHEAD = 2 * BATCH
"""Pictures that are read before the model wants them."""
SHARE = 32
"""Pictures that one of several workers embeds at a time; measured: 16, 32 and 64 differ by less than a tenth."""


class EmbeddedItem(NamedTuple):
    """What came of an item.

    Attributes:
        item: the item, without its bytes.
        sha256: of the bytes, hex; empty where there were none to be had.
        vector: (d,) its embedding; ``None`` if a picture of the same bytes was embedded before, or there is a problem.
        look: see ``imagerag.index.user.sources.decoding.perceptual_hash``.
        note: what a person should know of how it was taken, or empty.
        problem: why it can't be taken, or empty.
    """

    item: Item
    sha256: str = ""
    vector: NDArray[np.float32] | None = None
    look: int = 0
    note: str = ""
    problem: str = ""


class EmbeddingEngine(Protocol):
    """Reads, decodes, prepares and embeds."""

    def embedded(self, items: Iterator[Item], before: Collection[str]) -> Iterator[list[EmbeddedItem]]:
        """Yield what comes of the items, in their order, at most ``BATCH`` at a time.

        Args:
            items: what has to be read; asked for as it is needed, by the thread that iterates.
            before: SHA-256 of what was embedded before. What was yielded counts as embedded from the next step on.
        """
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...


class ThreadEngine:
    """The engine of one machine: threads decode and prepare, while the model is at work in its workers.

    Args:
        embedder: embeds what was prepared.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def embedded(self, items: Iterator[Item], before: Collection[str]) -> Iterator[list[EmbeddedItem]]:
        """See ``EmbeddingEngine``."""
        embedder = self._embedder
        prepare: Callable[[Any], Any] = _itself
        embed: Callable[[Sequence[Any]], NDArray[np.float32]] = embedder.embed_images
        device = ""
        if isinstance(embedder, PreprocessingEmbedder):
            prepare, embed, device = embedder.prepare, embedder.embed_prepared, embedder.device
        coming: set[str] = set()
        with CpuWorkers(device) as workers:
            share = BATCH if workers.count == 1 else SHARE
            embedding: deque[tuple[list[Decoded], list[str], list[Future[NDArray[np.float32]]]]] = deque()
            for batch in _decoded(items, before, prepare):
                new = {one.sha256: one.picture for one in batch if one.picture is not None}
                new = {key: picture for key, picture in new.items() if key not in coming and key not in before}
                coming |= new.keys()
                pictures = list(new.values())
                parts = [pictures[at : at + share] for at in range(0, len(pictures), share)]
                embedding.append((batch, list(new), [workers.submit(embed, part) for part in parts]))
                # One batch more than the workers can work at, so that none waits for what the others are still at.
                if len(embedding) > 1 + workers.count * share // BATCH:
                    yield _finished(*embedding[0])
                    coming.difference_update(embedding.popleft()[1])
            while embedding:
                yield _finished(*embedding.popleft())

    def close(self) -> None:
        """Nothing is held between calls."""


def _finished(
    batch: Sequence[Decoded], keys: Sequence[str], parts: Sequence[Future[NDArray[np.float32]]]
) -> list[EmbeddedItem]:
    rows = (row for part in parts for row in part.result())
    vectors = dict(zip(keys, rows, strict=True))
    return [
        EmbeddedItem(one.item, one.sha256, vectors.pop(one.sha256, None), one.look, one.note, one.problem)
        for one in batch
    ]


def _decoded(items: Iterator[Item], before: Collection[str], prepare: Callable[[Any], Any]) -> Iterator[list[Decoded]]:
    """Yield items that threads have read, in their order, in batches that end with the ``BATCH``-th picture."""
    batch: list[Decoded] = []
    with ThreadPoolExecutor(max(os.cpu_count() or 1, 2)) as pool:
        waiting: deque[Future[Decoded]] = deque()

        def more() -> None:
            for item in islice(items, AHEAD + 1 - len(waiting)):
                waiting.append(pool.submit(decode, item, before.__contains__, prepare))

        try:
            more()
            while waiting:
                batch.append(waiting.popleft().result())
                more()
                if len(batch) == BATCH:
                    yield batch
                    batch = []
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    if batch:
        yield batch


def _itself(picture: Any) -> Any:
    return picture
