"""Looking after the own pictures without a model: telling, checking, and making the search index anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from imagerag.errors import UserError
from imagerag.index.bundled.build import Progress
from imagerag.index.lock import writer_lock
from imagerag.index.user.calibration_file import calibration_summary, stored_calibrations
from imagerag.index.user.duplicates import PerceptualHashIndex
from imagerag.index.user.shards import Shards
from imagerag.index.user.skipped import read_skipped
from imagerag.index.user.snapshot import SnapshotReader
from imagerag.index.user.vector_store import VectorStore
from imagerag.index.user.verify import verify
from imagerag.index.user_libraries import OWN, library_directory


def user_index_status(home: str | Path, library: str = OWN) -> dict[str, Any]:
    """Return what there is of own pictures, without loading a model or Chroma.

    Returns:
        ``images`` (identical ones once), ``files``, ``models``, ``sources`` (files by source), ``skipped`` (path and
        reason each), ``near_duplicates``: pictures that nearly look like another, ``calibrations`` (what is fitted for
        each model).

    Raises:
        UserError: what is known of them is damaged.
    """
    directory = library_directory(home, library)
    shards = Shards(directory / "shards")
    files: dict[str, str] = {}
    looks: dict[str, int] = {}
    models = []
    for model in shards.models():
        table = SnapshotReader(shards, model).snapshot().table
        if len(table):
            models.append(model)
        columns = (table.column(name).to_pylist() for name in ("key", "root", "sha256", "look"))
        for key, root, sha256, look in zip(*columns, strict=True):
            files[key] = root
            looks[sha256] = look
    sources: dict[str, int] = {}
    for root in files.values():
        sources[root] = sources.get(root, 0) + 1
    return {
        "images": len(looks),
        "files": len(files),
        "models": models,
        "sources": sources,
        "skipped": [entry for entries in read_skipped(directory).values() for entry in entries],
        "near_duplicates": _near_duplicates(looks),
        "calibrations": [calibration_summary(fitted) for fitted in stored_calibrations(directory)],
    }


def verify_user_index(home: str | Path, model: str, chroma: str | None = None, library: str = OWN) -> dict[str, Any]:
    """Compare the search index of one model with the shards; see ``imagerag.index.user.verify.verify``.

    Raises:
        UserError: nothing was added with this model.
    """
    directory = library_directory(home, library)
    shards = Shards(directory / "shards")
    known = SnapshotReader(shards, model).snapshot()
    if not len(known):
        there = ", ".join(shards.models())
        others = f"; there are pictures of: {there}" if there else ""
        raise UserError(f"there are no own pictures of {model!r}{others}; next: imagerag index add FOLDER")
    collections = VectorStore(directory, model, chroma)
    try:
        return {"model": model, **verify(known, collections)}
    finally:
        collections.close()


def rebuild_user_index(
    home: str | Path,
    chroma: str | None = None,
    progress: Progress | None = None,
    on_wait: Callable[[str], None] | None = None,
    library: str = OWN,
) -> None:
    """Make the search index of every model anew from the shards, without embedding anything.

    Raises:
        UserError: it can't be written, or another process takes too long.
    """
    directory = library_directory(home, library)
    shards = Shards(directory / "shards")
    for model in shards.models():
        with writer_lock(directory / "lock", on_wait=on_wait):
            known = SnapshotReader(shards, model).snapshot()
            collections = VectorStore(directory, model, chroma)
            try:
                collections.start_anew()
                collections.bring_up_to(known, progress)
            finally:
                collections.close()


def _near_duplicates(looks: dict[str, int]) -> int:
    """Return how many pictures nearly look like an earlier one."""
    earlier, count = PerceptualHashIndex(), 0
    for sha256, look in looks.items():
        count += earlier.like(sha256, look) is not None
        earlier.add(sha256, look)
    return count
