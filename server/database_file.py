"""The SQLite file of the servers' database: how it is opened, and what is said when it can't be used."""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from imagerag.errors import FileError
from imagerag.store.file_errors import file_error
from imagerag.store.sqlite import open_database

LOCK_TIMEOUT = 5.0
"""Seconds to wait for another process that writes, which takes milliseconds."""

RETRY = 20.0
"""Seconds for which a file that has failed is left alone."""

DAMAGED = "move it away, a new one is made then; images stay"
"""The way out where the file is damaged."""

Answer = TypeVar("Answer")

_log = logging.getLogger(__name__)


class DatabaseFailed(FileError):
    """The database can't be used. The message names the cause and the file, without its folder."""


class DatabaseFile:
    """One SQLite file, used by any number of threads and processes.

    What can't be written to it is kept in memory for as long as the process lives: no run is lost by its bookkeeping.

    Args:
        file: made if it is missing.
        tables: the columns of each of its tables, by the table's name, as ``CREATE TABLE`` takes them.

    Raises:
        FileError: the file can't be opened, is damaged, or has tables of another shape.
    """

    def __init__(self, file: Path, tables: Mapping[str, str]) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._failed: tuple[float, DatabaseFailed] | None = None
        self._memory = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._in_memory = False
        self._db = open_database(file, damaged=DAMAGED, isolation_level=None, timeout=LOCK_TIMEOUT)
        try:
            self._db.execute("PRAGMA journal_mode=WAL")
            for name, columns in tables.items():
                for db in (self._db, self._memory):
                    db.execute(f"CREATE TABLE IF NOT EXISTS {name} ({columns})")
                wanted, there = (_columns(db, name) for db in (self._memory, self._db))
                if missing := sorted(wanted - there):
                    lack = ValueError(f"its table {name!r} lacks {', '.join(missing)}")
                    raise file_error(file, lack, verb="read", damaged=DAMAGED)
        except BaseException:
            self.close()
            raise

    @property
    def failing(self) -> str | None:
        """What is to be told while the file can't be used; ``None`` while it can."""
        failed = self._failed
        return None if failed is None else f"{failed[1].public}; until the server ends, it keeps what is new in memory"

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query: those in the file, then those in memory.

        Raises:
            DatabaseFailed: the file can't be read, and there are none in memory.
        """
        with self._lock:
            kept = self._memory.execute(query, values).fetchall() if self._in_memory else []
            try:
                return [*self._tried(lambda db: db.execute(query, values).fetchall()), *kept]
            except DatabaseFailed:
                if not kept:
                    raise
                return kept

    def change(self, *statements: tuple[str, Sequence[Any]]) -> int:
        """Execute statements, all or none of them, and return how many rows the last one has changed."""

        def execute(db: sqlite3.Connection) -> int:
            db.execute("BEGIN IMMEDIATE")
            try:
                for statement, values in statements:
                    changed = db.execute(statement, values).rowcount
                db.execute("COMMIT")
            except (sqlite3.Error, FileError):
                with suppress(sqlite3.Error, FileError):
                    db.execute("ROLLBACK")
                raise
            return changed

        with self._lock:
            changed = 0
            try:
                changed = self._tried(execute)
                if not self._in_memory:
                    return changed
                statements = tuple(one for one in statements if not one[0].startswith("INSERT"))
            except DatabaseFailed:
                self._in_memory = True
            return changed + (execute(self._memory) if statements else 0)

    def _tried(self, use: Callable[[sqlite3.Connection], Answer]) -> Answer:
        """Use the file, unless it has failed just now: who has waited for a lock once needn't do so at each step."""
        if self._failed is not None and time.monotonic() < self._failed[0]:
            raise self._failed[1]
        try:
            answer = use(self._db)
        except (sqlite3.Error, FileError) as error:
            known = file_error(self._file, error, verb="used", damaged=DAMAGED)
            told = f"the server's {self._file.name} can't be used ({error.__cause__ or error})"
            if self._failed is None:
                _log.error("%s; what is new is kept in memory", known)
            failed = DatabaseFailed(told, known.file, known.cause, told)
            self._failed = (time.monotonic() + RETRY, failed)
            raise failed from error
        self._failed = None
        return answer

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()
            self._memory.close()


def _columns(db: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in db.execute(f"PRAGMA table_info({table})")}


def readable(rows: Iterable[Any], read: Any, what: str) -> list[Any]:
    """Return what ``read`` makes of each row; one that it can't read is left out, which the log tells."""
    found = []
    for row in rows:
        try:
            found.append(read(row))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            _log.warning(
                "%s %r is left out, since it can't be read (%s: %s)", what, row[0], type(error).__name__, error
            )
    return found
