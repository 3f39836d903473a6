"""Which images the servers' database refers to, and which of its rows are old."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from imagerag.server.database import FILE, TABLES
from imagerag.server.database_file import DatabaseFile
from imagerag.server.thread_history import Threads
from imagerag.store.garbage import addresses_in

_HELD_IN = {"entries": "sha256", "runs": "told", "responses": "body"}
"""The column of each table that may hold addresses of images."""


def open_file(home: Path) -> DatabaseFile:
    """Open the database of a data directory.

    Raises:
        FileError: it can't be opened.
    """
    return DatabaseFile(home / FILE, TABLES)


def referred_images(file: DatabaseFile, before: float | None, kept: Collection[str]) -> set[str]:
    """Return the addresses of the images that rows refer to, and other strings like them; old rows don't count.

    Args:
        file: the database.
        before: seconds since the epoch before which a row was made that is old; none is if ``None``.
        kept: threads whose rows are never old, as the checkpointer knows them.
    """
    found: set[str] = set()
    for table, column in _HELD_IN.items():
        old = {*_old(file, table, before, kept)}
        for row, stored in file.rows(f"SELECT id, {column} FROM {table}"):
            if row not in old:
                found.update(addresses_in(str(stored)))
    return found


def forget_old(file: DatabaseFile, before: float, kept: Collection[str]) -> None:
    """Delete the old rows; see ``referred_images``."""
    for table in _HELD_IN:
        if old := [*_old(file, table, before, kept)]:
            file.change(*((f"DELETE FROM {table} WHERE id = ?", (row,)) for row in old))
    file.change(("DELETE FROM embeddings WHERE sha256 NOT IN (SELECT sha256 FROM entries)", ()))


def refers_to(file: DatabaseFile, address: str) -> bool:
    """Tell whether any row refers to an image."""
    return any(
        file.rows(f"SELECT 1 FROM {table} WHERE instr({column}, ?) LIMIT 1", (address,))
        for table, column in _HELD_IN.items()
    )


def _old(file: DatabaseFile, table: str, before: float | None, kept: Collection[str]) -> Iterator[str]:
    if before is None:
        return
    for row, client, thread in file.rows(f"SELECT id, client, thread FROM {table} WHERE created < ?", (before,)):
        if not thread or Threads.key(client, thread) not in kept:
            yield str(row)
