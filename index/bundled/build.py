"""Building the index of the bundled library: into a folder of its own, which becomes the index only when finished."""

from __future__ import annotations

import errno
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imagerag.assets.library import Library
from imagerag.index.bundled.stamp import SCHEMA, Stamp, file_digest, not_built, read_stamp, seal, write_stamp
from imagerag.index.chroma_client import (
    DATABASE,
    EF_SEARCH_LIBRARY,
    PREFIX,
    chroma_client,
    create_collection,
    get_collection,
)
from imagerag.store.private import private_folder

if TYPE_CHECKING:
    from imagerag.embedders.clip import Embedder

Progress = Callable[[int, int], None]
"""Called with (pictures done, pictures in all)."""

COLLECTION = "references"
BATCH = 1024
"""Pictures embedded and written at a time; Chroma takes 5,461, but the progress bar should move."""

PROBES = 256
"""Pictures that are searched for after a build."""

SYNC = 1000
"""Chroma keeps the newest vectors in SQLite until so many have come, and adds them to the graph at each opening: with
a larger number the first query of every process takes up to a second."""


def build(directory: Path, library: Library, embedder: Embedder, progress: Progress | None) -> Stamp:
    """Build the index below ``directory`` anew and put it in place of the one that was there.

    Only for the one holder of the lock. Killed at any moment, it leaves the old index as it was, and a folder that the
    next build removes. Embeddings that came with the library are used where they are of the same model.

    Raises:
        UserError: the disk is full, read-only or not ours, or the library is damaged.
    """
    try:
        private_folder(directory)
    except OSError as error:
        raise not_built(directory, error) from error
    remove_others(directory)
    folder = directory / f"{PREFIX}{uuid.uuid4().hex[:12]}"
    try:
        images = _fill(directory, folder, library, embedder, progress)
        stamp = Stamp(
            SCHEMA,
            embedder.model_id,
            file_digest(library.path),
            images,
            folder.name,
            files=seal(folder, hashed=images > 1),
        )
        write_stamp(directory, stamp)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)  # what is left, the next build removes
        raise
    remove_others(directory)
    return stamp


def remove_others(directory: Path) -> None:
    """Remove the folders that builds left which are not the index: killed ones, and the index before."""
    kept = _current_folder(directory)
    for folder in directory.glob(f"{PREFIX}*"):
        if folder.name != kept:
            shutil.rmtree(folder, ignore_errors=True)  # Windows keeps what a reader has open: later, then


def _fill(directory: Path, folder: Path, library: Library, embedder: Embedder, progress: Progress | None) -> int:
    from chromadb.errors import ChromaError

    rows, metadatas = _pictures(library)
    ids = [library.entries[row].sha256 for row in rows]
    known = library.stored_embeddings(embedder.model_id)
    vectors = np.empty((len(rows), embedder.dimension), np.float32) if known is None else known[rows]
    sync = max(2, min(SYNC, len(rows)))  # all are written at least once, or each opening would write an empty graph
    if progress:
        progress(0, len(rows))
    try:
        with chroma_client(folder) as client:
            collection = create_collection(
                client,
                COLLECTION,
                {"model": embedder.model_id, "schema": SCHEMA},
                ef_search=EF_SEARCH_LIBRARY,
                batch_size=sync,
                sync_threshold=sync,
            )
            size = min(BATCH, client.get_max_batch_size())
            for start in range(0, len(rows), size):
                part = slice(start, start + size)
                if known is None:
                    vectors[part] = embedder.embed_images([library.image(row) for row in rows[part]])
                collection.upsert(ids=ids[part], embeddings=vectors[part], metadatas=metadatas[part])
                if progress:
                    progress(min(start + size, len(rows)), len(rows))
        with chroma_client(folder) as client:
            _check(directory, get_collection(client, COLLECTION), ids, vectors)
    except (ChromaError, OSError) as error:
        raise not_built(folder / DATABASE, error) from error
    return len(rows)


def _check(directory: Path, collection: Any, ids: list[str], vectors: NDArray[np.float32]) -> None:
    """Ask what was written for what should be there, through a new client.

    On a full disk Chroma's graph files are cut short without an error, and the client that wrote them never notices.

    Raises:
        UserError: something is missing.
    """
    probe = np.linspace(0, len(ids) - 1, min(len(ids), PROBES)).astype(int)
    found = collection.query(query_embeddings=vectors[probe], n_results=1, include=["distances"])
    lost = sum(not row or row[0] > 1e-3 for row in found["distances"])
    for start in range(0, len(ids), BATCH):
        part = ids[start : start + BATCH]
        stored = collection.get(ids=part, include=["embeddings"])
        rows = dict(zip(stored["ids"], np.asarray(stored["embeddings"]), strict=True))
        lost += sum(
            key not in rows or not np.allclose(rows[key], vector, atol=1e-3)
            for key, vector in zip(part, vectors[start : start + BATCH], strict=True)
        )
    if lost:
        # Chroma has told nothing of it: a full disk cuts its files short without an error.
        lack = OSError(errno.ENOSPC, f"{lost} of {len(ids)} pictures are lost after writing; is the disk full?")
        raise not_built(directory, lack)


def _pictures(library: Library) -> tuple[list[int], list[dict[str, str]]]:
    """Return the library's rows, identical pictures once, and what the index keeps of each besides its vector."""
    rows: dict[str, int] = {}
    names: dict[str, list[str]] = {}
    for row, entry in enumerate(library.entries):
        rows.setdefault(entry.sha256, row)
        names.setdefault(entry.sha256, []).extend([entry.concept, *entry.keywords])
    metadatas = []
    for sha256, row in rows.items():
        entry = library.entries[row]
        metadatas.append(
            {
                "title": entry.concept,
                "words": "\n".join(dict.fromkeys(names[sha256])),
                "source": entry.source,
                "licence": entry.licence,
                "set": entry.set,
            }
        )
    return list(rows.values()), metadatas


def _current_folder(directory: Path) -> str | None:
    from imagerag.errors import UserError

    try:
        stamp = read_stamp(directory)
    except UserError:
        return None  # damaged or of another schema: this build replaces it
    return stamp.folder if stamp else None
