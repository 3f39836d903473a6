"""Adding: an engine reads and embeds what is new of a source, and one more thread writes it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from imagerag.index.user.duplicates import PerceptualHashIndex
from imagerag.index.user.embedding import EmbeddedItem, EmbeddingEngine
from imagerag.index.user.embedding_cache import EmbeddingCache
from imagerag.index.user.shards import CREDIT, GONE, Shards, model_tag
from imagerag.index.user.snapshot import Snapshot
from imagerag.index.user.sources.fields import cut
from imagerag.index.user.sources.items import NO_LICENCE, SEPARATOR, Item, Source
from imagerag.index.user.sources.short_text import CAPTION_LENGTH, one_line, shortened

if TYPE_CHECKING:
    from imagerag.embedders.clip import Embedder

TOLD = 640
"""Unchanged items after which the progress is told again."""


@dataclass
class IngestResult:
    """What adding came to: counts of items, those left out with the reason, notes on others, and near-duplicates."""

    added: int = 0
    unchanged: int = 0
    removed: int = 0
    skipped: list[dict[str, str]] = field(default_factory=list)
    notes: list[dict[str, str]] = field(default_factory=list)
    duplicates: list[dict[str, str]] = field(default_factory=list)

    def and_then(self, other: IngestResult) -> IngestResult:
        """Return what both came to."""
        return IngestResult(*(getattr(self, part.name) + getattr(other, part.name) for part in fields(self)))


class Ingest:
    """One run of adding sources, for the holder of the lock.

    Args:
        shards: where rows are written.
        known: what was known before.
        embedder: the model; it embeds captions, too, if ``meaning``.
        engine: has the pictures embedded by it.
        meaning: whether captions are embedded.
    """

    def __init__(
        self, shards: Shards, known: Snapshot, embedder: Embedder, engine: EmbeddingEngine, meaning: bool
    ) -> None:
        self._shards = shards
        self._known = known
        self._embedder = embedder
        self._engine = engine
        self._meaning = meaning
        self._remembered = EmbeddingCache(known, shards)
        self._looks: PerceptualHashIndex | None = None
        self._compared: set[str] = set()
        self.outcome = IngestResult()

    def run(self, source: Source, licence: str, progress: Callable[[int], None]) -> None:
        """Add one source; ``progress`` is told how many of its items are done."""
        seen: set[str] = set()
        spoilt: set[str] = set()
        unread: set[str] = set()
        done = told = 0

        def changed() -> Iterator[Item]:
            nonlocal done, told
            for item in map(_bounded, source.items(lambda item: not self._unchanged(_bounded(item), licence))):
                if item.key in seen and not item.problem:
                    problem = f"{item.key!r} comes twice in {source.name!r}; the first one is taken"
                    item = item._replace(key=f"{item.key} (again)", problem=problem)
                seen.add(item.key)
                if item.problem or not self._unchanged(item, licence):
                    yield item
                    continue
                self.outcome.unchanged += 1
                done += 1
                if self.outcome.unchanged % TOLD == 0:
                    progress(done)
                    told = done

        with ThreadPoolExecutor(1) as writer:
            writing: Future[None] | None = None
            for batch in self._engine.embedded(changed(), self._remembered):
                good = [one for one in batch if not one.problem]
                skipped = [_reported(one.item, reason=one.problem) for one in batch if one.problem]
                rows = self._rows(good, source.name) if good else {}
                if writing is not None:
                    writing.result()
                writing = writer.submit(self._write, rows) if rows else None
                self.outcome.added += len(good)
                self.outcome.skipped += skipped
                notes = [(one.item, "; ".join(filter(None, (one.item.note, one.note)))) for one in good]
                self.outcome.notes += [_reported(item, note=note) for item, note in notes if note]
                self.outcome.duplicates += self._like_others(good)
                # Its bytes are other ones now, and no picture. Without bytes, as of an address while the network is
                # down, what was there before stays.
                unread |= {one.item.key for one in batch if one.problem and not one.sha256}
                spoilt |= {one.item.key for one in batch if one.problem and one.sha256}
                done += len(batch)
                progress(done)
                told = done
            if writing is not None:
                writing.result()
        if done != told:
            progress(done)
        gone = [
            key
            for key, at in self._known.by_key.items()
            if key in spoilt
            or (
                key not in seen
                and key.partition(SEPARATOR)[0] not in unread  # a table or an archive that is damaged just now
                and source.owns(key)
                and _alike(source.name, self._known.value(at, "root"))
            )
        ]
        self.outcome.removed += len(gone)
        if gone:
            self._shards.write(GONE, {"key": gone})

    def _like_others(self, batch: Sequence[EmbeddedItem]) -> list[dict[str, str]]:
        """Return which pictures look nearly like one that was there before, in other bytes."""
        if self._looks is None:
            keys = self._known.table.column("key").to_pylist()
            self._looks = PerceptualHashIndex(zip(keys, self._known.looks.tolist(), strict=True))
        found = []
        for one in batch:
            if one.vector is None or one.sha256 in self._compared:
                continue
            self._compared.add(one.sha256)
            other = self._looks.like(one.item.key, one.look)
            if other is not None:
                found.append(_reported(one.item, like=other))
            self._looks.add(one.item.key, one.look)
        return found

    def _unchanged(self, item: Item, licence: str) -> bool:
        at = self._known.by_key.get(item.key)
        if at is None or item.problem:
            return False
        value = self._known.value
        if licence == NO_LICENCE and item.licence == NO_LICENCE:
            item = item._replace(licence=value(at, "licence"))  # what isn't given leaves what there is
        return all(getattr(item, name) == value(at, name) for name in COMPARED)

    def _rows(self, batch: Sequence[EmbeddedItem], root: str) -> dict[str, Any]:
        """Return the columns of a batch."""
        for one in batch:
            if one.vector is not None:
                self._remembered.keep(one.sha256, one.vector, one.look)
        both = [self._remembered[one.sha256] for one in batch]
        items = [one.item for one in batch]
        columns: dict[str, Any] = {
            name: [getattr(item, name) for item in items]
            for name in ("key", "caption", "title", "source", "licence", "size", "mtime", *CREDIT)
        }
        columns |= {name: [getattr(item.origin, name) for item in items] for name in ("kind", "file", "place")}
        columns["sha256"] = [one.sha256 for one in batch]
        columns["root"] = [root] * len(batch)
        columns["look"] = np.array([look for _, look in both], np.uint64)
        columns["embedding"] = np.array([vector for vector, _ in both], np.float32).reshape(len(both), -1)
        if self._meaning:
            meaning = self._embedder.embed_texts([item.caption for item in items])
            meaning[[not item.caption for item in items]] = 0  # like nothing
            columns["meaning"] = meaning
        return columns

    def _write(self, columns: dict[str, Any]) -> None:
        model = self._embedder.model_id
        shard = self._shards.write(model_tag(model), columns, metadata={"model": model})
        self._remembered.written(shard, columns["sha256"])


COMPARED = ("size", "mtime", "caption", "title", "source", "licence", *CREDIT)
"""Of an item, what makes it another when it changes."""
_KIND = re.compile(r"[a-z0-9-]{2,}:")


def _bounded(item: Item) -> Item:
    """Return an item with texts that fit into a row, whichever source it comes from."""
    texts = {"caption": item.caption, "title": item.title, "licence": item.licence}
    notes = [item.note, *(cut(name, text) for name, text in texts.items() if len(text) > CAPTION_LENGTH)]
    if len(notes) == 1:
        return item
    caption, title, licence = (one_line(text)[:CAPTION_LENGTH] for text in texts.values())
    return item._replace(caption=caption, title=title, licence=licence, note="; ".join(filter(None, notes)))


def _reported(item: Item, **told: str) -> dict[str, str]:
    """Return an entry of the report, no longer than a person reads, whatever a table or the name of a file holds."""
    return {name: shortened(text) for name, text in {"path": item.key, **told}.items()}


def _alike(source: str, root: str) -> bool:
    """Tell whether a source may remove what was added as part of ``root``: itself, or a folder in another folder.

    What a table or an archive names is not gone because a folder around it does not show it.
    """
    return source == root or not (_KIND.match(source) or _KIND.match(root))
