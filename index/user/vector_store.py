"""Chroma holds the vectors for search: a copy of the shards that only the lock's holder changes."""

from __future__ import annotations

import json
import re
import shutil
import uuid
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imagerag.errors import FileError
from imagerag.index.chroma_client import (
    DATABASE,
    EF_SEARCH_USER,
    PREFIX,
    close_client,
    create_collection,
    get_collection,
    http_client,
    naming_chroma,
    open_client,
)
from imagerag.index.leftovers import unnamed_folders
from imagerag.index.user.fulltext import DAMAGED, FullTextIndex
from imagerag.index.user.shards import model_tag
from imagerag.index.user.snapshot import Snapshot
from imagerag.regular_files import read_regular
from imagerag.store.files import write_whole

UPSERT = 2000
"""Vectors handed to Chroma at a time; it takes 5,461."""
LIBRARY = "library"
"""File with the name of this library on servers."""
PAGE = 50_000
"""Ids asked of Chroma at a time."""
FILLING, SETTLED = 10_000, 2
"""Vectors that Chroma keeps outside its graph until so many have come: it writes the whole graph each time, but adds
what it kept at every opening (8,000 of 512 dimensions took 16 s). A new threshold holds from the next opening on."""


class Outdated(Exception):
    """What Chroma holds is gone, or not what it was brought up to: it has to be brought up anew."""


class SyncState(NamedTuple):
    """What Chroma was last brought up to.

    Attributes:
        shards: names of those whose rows it holds.
        place: folder of Chroma's, or address of its server.
        pictures, captions: how many vectors of each.
    """

    shards: frozenset[str]
    place: str
    pictures: int
    captions: int


class VectorStore:
    """The collections of one model: its pictures, its captions, and the captions' words.

    Args:
        directory: of the own pictures.
        model: whose vectors.
        address: of a Chroma server, as in ``http://127.0.0.1:8000``; a folder below ``directory`` if not given.
    """

    def __init__(self, directory: Path, model: str, address: str | None = None) -> None:
        self._directory = directory
        self._address = address
        self._tag = model_tag(model)
        self._client: Any = None
        self._place = ""
        self._opened: SyncState | None = None
        self.pictures: Any = None
        self.captions: Any = None
        self.words: FullTextIndex | None = None

    @property
    def file(self) -> Path:
        """Where it is written what Chroma was brought up to."""
        where = model_tag(self._address) + "-" if self._address else ""
        return self._directory / f"applied-{where}{self._tag}.json"

    def applied(self) -> SyncState | None:
        """Return what Chroma was brought up to; ``None`` if it never was, or nobody knows."""
        try:
            content = json.loads(read_regular(self.file))
            shards = frozenset(map(str, content["shards"]))
            return SyncState(shards, str(content["place"]), int(content["pictures"]), int(content["captions"]))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None  # a copy can always be made again

    def open(self, applied: SyncState) -> None:
        """Open what was written before, for reading.

        Raises:
            Outdated: there is no such thing any more.
            FileError: it is damaged, or can't be used.
            ServiceError: Chroma's server does not answer.
        """
        if self._opened == applied and self.pictures is not None:
            return  # a client sees nothing of what another process has written since it was opened
        self.close()
        if not self._address and not (self._directory / applied.place / DATABASE).is_file():
            raise Outdated(f"{applied.place!r} is gone")
        with self.naming(applied.place):
            self._connect(applied.place)
            self._get()
        if not self._words_file.is_file():
            raise Outdated(f"{self._words_file.name!r} is gone")
        self.words = FullTextIndex(self._words_file)
        self._opened = applied

    def bring_up_to(self, known: Snapshot, progress: Callable[[int, int], None] | None = None) -> None:
        """Make Chroma hold exactly what is known. For the lock's holder.

        A copy that is damaged is made anew; one that can't be written, for want of room or of permission, stays.

        Raises:
            ServiceError: Chroma's server does not answer, or with an error.
            FileError: Chroma's files, or the captions' words, can't be written.
        """
        self._remove_leftovers()
        if self._library == "none":
            write_whole(self._directory / LIBRARY, uuid.uuid4().hex[:8].encode())
        applied = self.applied()
        names = frozenset(shard.name for shard in known.shards)
        try:
            if applied is None:
                raise Outdated("nothing yet")
            self.open(applied)
            with self.naming(applied.place):
                if (self.pictures.count(), self.captions.count()) != (applied.pictures, applied.captions):
                    raise Outdated("Chroma has lost vectors")
            if applied.shards != names:
                self._fill(known, progress)
        except (Outdated, FileError) as error:
            # Only a copy, so it is made again where that helps.
            if isinstance(error, FileError) and error.cause not in ("damaged", "missing", "no file"):
                raise
            self.start_anew()
            self._fill(known, progress)
        with self.naming():
            counts = {"pictures": self.pictures.count(), "captions": self.captions.count()}
        content = {"shards": sorted(names), "place": self._place, **counts}
        write_whole(self.file, json.dumps(content).encode())
        self._opened = self.applied()

    def start_anew(self) -> None:
        """Make empty collections in place of those there are. For the lock's holder."""
        self.close()
        self.file.unlink(missing_ok=True)
        if not self._address:
            self._remove_leftovers()
        for suffix in ("", "-journal", "-wal", "-shm"):
            self._words_file.with_name(self._words_file.name + suffix).unlink(missing_ok=True)
        # Chroma remembers clients by their folder, so it gets a name that it has never met.
        place = self._address or f"{PREFIX}{uuid.uuid4().hex[:12]}"
        with self.naming(place):
            self._connect(place)
            if self._address:
                there = {collection.name for collection in self._client.list_collections()}
                for name in {self._name("pictures"), self._name("captions")} & there:
                    self._client.delete_collection(name)
            self.pictures, self.captions = (
                create_collection(
                    self._client,
                    self._name(kind),
                    {"threshold": FILLING},
                    ef_search=EF_SEARCH_USER,
                    batch_size=1000,
                    sync_threshold=FILLING,
                )
                for kind in ("pictures", "captions")
            )
        self.words = FullTextIndex(self._words_file)

    def _remove_leftovers(self) -> None:
        """Remove folders of Chroma's that nothing names: those of writers that were killed. For the lock's holder."""
        for folder in unnamed_folders(self._directory):
            if folder.name != self._place:
                shutil.rmtree(folder, ignore_errors=True)  # Windows keeps what a reader has open: later, then

    @contextmanager
    def naming(self, place: str = "") -> Iterator[None]:
        """Name Chroma's files, at ``place`` or where they are open, in what goes wrong with them in the block.

        Raises:
            Outdated: a collection is gone, or Chroma's client could not be made sense of.
        """
        from chromadb.errors import NotFoundError

        try:
            if self._address:
                yield
                return
            with naming_chroma(self._directory / (place or self._place), damaged=DAMAGED):
                yield
        except (NotFoundError, AttributeError) as error:  # AttributeError: a client that could not start
            raise Outdated(str(error)) from error

    def close(self) -> None:
        """Let go of Chroma's files."""
        if self._client is not None and not self._address:
            with suppress(FileError), self.naming():
                close_client(self._client, self._directory / self._place)
        if self.words is not None:
            self.words.close()
        self._client = self.pictures = self.captions = self.words = None
        self._place, self._opened = "", None

    @property
    def _words_file(self) -> Path:
        return self.file.with_name(self.file.name.replace("applied-", "words-")).with_suffix(".sqlite")

    def _name(self, kind: str) -> str:
        return f"{kind}-{self._library}-{self._tag}"

    @property
    def _library(self) -> str:
        """What tells this library from others on one server: made up once, since two machines may have one path."""
        try:
            name = read_regular(self._directory / LIBRARY).decode("ascii", "replace").strip()
        except OSError:
            return "none"
        return name if re.fullmatch("[0-9a-f]{8}", name) else "none"  # a damaged one is made up anew

    def _connect(self, place: str) -> None:
        self._client = http_client(place) if self._address else open_client(self._directory / place)
        self._place = place

    def _fill(self, known: Snapshot, progress: Callable[[int, int], None] | None) -> None:
        captions = caption_ids(known)
        with self.naming():
            self._fill_vectors(known, captions, progress)
        assert self.words is not None
        held = self.words.ids()
        texts = known.table.column("caption")
        fresh = ((key, texts[at].as_py()) for key, at in captions.items() if key not in held)
        self.words.change(sorted(held - captions.keys()), fresh)

    def _fill_vectors(
        self, known: Snapshot, captions: dict[str, int], progress: Callable[[int, int], None] | None
    ) -> None:
        pictures = known.by_address
        has_meaning = known.has("meaning")
        lacking = [
            (name, _difference(collection, wanted))
            for collection, name, wanted in (
                (self.pictures, "embedding", pictures),
                (self.captions, "meaning", captions if has_meaning else {}),
            )
        ]
        total, done = sum(len(rows) for _, (_, rows) in lacking), 0
        if self._threshold != FILLING and total > UPSERT:
            self._set_threshold(FILLING)
        for name, (ids, rows) in lacking:
            collection = self.pictures if name == "embedding" else self.captions
            for part, vectors in known.in_parts(rows, name):
                keys = [ids[int(at)] for at in part]
                for start in range(0, len(keys), UPSERT):
                    piece = slice(start, start + UPSERT)
                    collection.upsert(ids=keys[piece], embeddings=vectors[piece])
                    done += len(keys[piece])
                    if progress:
                        progress(done, total)
        if self._threshold == FILLING:
            self._settle()

    @property
    def _threshold(self) -> int:
        return int((self.pictures.metadata or {}).get("threshold", FILLING))

    def _set_threshold(self, threshold: int) -> None:
        for collection in (self.pictures, self.captions):
            collection.modify(
                metadata={"threshold": threshold},
                configuration={"hnsw": {"batch_size": min(threshold, 1000), "sync_threshold": threshold}},
            )
        if not self._address:  # a server takes it on when it is started again
            close_client(self._client, self._directory / self._place)
            self._connect(self._place)
        self._get()

    def _settle(self) -> None:
        """Let Chroma write all it has into its graphs: each does when one more vector comes."""
        self._set_threshold(SETTLED)
        for collection in (self.pictures, self.captions):
            one = collection.get(limit=1, include=["embeddings"])
            if len(one["ids"]):
                collection.upsert(ids=one["ids"], embeddings=one["embeddings"])

    def _get(self) -> None:
        self.pictures = get_collection(self._client, self._name("pictures"))
        self.captions = get_collection(self._client, self._name("captions"))


def renamed(directory: Path, model: str, before: frozenset[str], shards: Sequence[str]) -> None:
    """Note wherever a model's rows have been brought to, that they lie in other shards now. For the lock's holder.

    Args:
        directory: of the own pictures.
        model: whose rows.
        before: names of the shards they lay in; what was not brought up to those lags behind and goes on doing so.
        shards: names of those they lie in now.
    """
    for file in directory.glob(f"applied-*{model_tag(model)}.json"):
        try:
            content = json.loads(read_regular(file))
            if frozenset(content["shards"]) == before:
                write_whole(file, json.dumps({**content, "shards": sorted(shards)}).encode())
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue  # a copy can always be made again


def caption_ids(known: Snapshot) -> dict[str, int]:
    """Return an id for each picture and caption that go together, with the row; pictures without caption have none."""
    pairs = zip(known.table.column("sha256").to_pylist(), known.table.column("caption").to_pylist(), strict=True)
    return {sha256 + f"{zlib.crc32(text.encode()):08x}": at for at, (sha256, text) in enumerate(pairs) if text}


def address_of(caption_id: str) -> str:
    """Return the picture's address in an id of ``caption_ids``."""
    return caption_id[:64]


def _difference(collection: Any, wanted: dict[str, int]) -> tuple[dict[int, str], NDArray[np.int64]]:
    """Remove from a collection what is not wanted; return the ids by row, and rows, that it lacks."""
    held = set(_ids(collection))
    for part in _parts(sorted(held - wanted.keys())):
        collection.delete(ids=part)
    lacking = {at: key for key, at in wanted.items() if key not in held}
    return lacking, np.array(sorted(lacking), np.int64)


def _ids(collection: Any) -> Iterator[str]:
    for start in range(0, collection.count(), PAGE):
        yield from collection.get(limit=PAGE, offset=start, include=[])["ids"]


def _parts(keys: Sequence[str]) -> Iterable[Sequence[str]]:
    return (keys[start : start + UPSERT] for start in range(0, len(keys), UPSERT))
