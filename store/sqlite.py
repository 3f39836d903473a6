"""SQLite files whose errors name them: the one place that opens those of the program's own."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal, TypeVar

from imagerag.errors import FileError
from imagerag.regular_files import check_regular
from imagerag.store.file_errors import file_error
from imagerag.store.private import private_file

Result = TypeVar("Result")

LOCK_TIMEOUT = 30.0
"""Seconds to wait for another process that writes."""


def open_database(
    file: Path | None,
    *,
    damaged: str,
    isolation_level: Literal["DEFERRED"] | None = "DEFERRED",
    timeout: float = LOCK_TIMEOUT,
) -> sqlite3.Connection:
    """Open a file for any number of threads, readable by its owner alone; made if missing.

    What is raised by statements on the connection, and by reading their rows, is a ``FileError`` that names this file:
    whoever is far from it can't take the failure of another for it.

    A file may be somebody else's: see ``check_no_code``.

    Args:
        file: the path; in memory if ``None``.
        damaged: the way out where the file is damaged.
        isolation_level: as ``sqlite3.connect`` takes it; ``None`` commits each statement.
        timeout: seconds to wait for another process that writes.

    Raises:
        FileError: it can't be opened, or has code in it.
    """

    def told(error: Exception) -> FileError:
        return file_error(file or ":memory:", error, verb="used", damaged=damaged)

    class Connection(_Connection):
        _told = staticmethod(told)

    try:
        if file is not None and file.exists():
            check_regular(file)  # a named pipe would keep SQLite waiting for whoever writes to it
        where = ":memory:" if file is None else private_file(file)
        connection = sqlite3.connect(
            where, timeout=0.0, check_same_thread=False, isolation_level=isolation_level, factory=Connection
        )
        try:
            check_no_code(connection)
            connection.execute(f"PRAGMA busy_timeout={round(timeout * 1000)}")  # from here on
        except BaseException:
            connection.close()
            raise
        return connection
    except (sqlite3.Error, OSError) as error:
        raise told(error) from error


def check_no_code(connection: sqlite3.Connection) -> None:
    """Refuse a database with code of its own, which statements would run: one that has views or triggers.

    None of the program's has any. SQLite's language is one for programs, too: a view in place of a table may have rows
    without end, which nobody could read to the end, and a trigger may take away whatever is entered.

    Raises:
        sqlite3.DatabaseError: it has one.
    """
    try:
        found = connection.execute("SELECT type, name FROM sqlite_master WHERE type IN ('view', 'trigger')").fetchone()
    except (sqlite3.Error, FileError):
        return  # locked or damaged, of which the first statement tells whoever may have a use for the file even so
    if found is not None:
        raise sqlite3.DatabaseError(f"it has a {found[0]}, {str(found[1])[:80]!r}, and imagerag makes none")


class _Connection(sqlite3.Connection):
    _told: Callable[[Exception], FileError]

    def _do(self, call: Callable[[], Result]) -> Result:
        try:
            return call()
        except (sqlite3.ProgrammingError, sqlite3.IntegrityError, sqlite3.InterfaceError):
            raise  # a defect of the program: nothing is wrong with the file
        except UnicodeDecodeError as error:  # texts of a damaged file, those of its own errors among them
            raise self._told(error) from error
        except sqlite3.Error as error:
            told = self._told(error)
            if told.cause == "other" and error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_ERROR:
                raise  # a statement that is wrong in itself
            raise told from error

    def cursor(self, factory: Any = None) -> Any:
        """See ``sqlite3.Connection.cursor``."""
        return self._do(lambda: super(_Connection, self).cursor(_Cursor))

    def execute(self, statement: str, values: Any = (), /) -> Any:
        """See ``sqlite3.Connection.execute``, which does not go through ``cursor`` in every version of Python."""
        return self.cursor().execute(statement, values)

    def executemany(self, statement: str, rows: Iterable[Any], /) -> Any:
        """See ``sqlite3.Connection.executemany``."""
        return self.cursor().executemany(statement, rows)

    def executescript(self, script: str, /) -> Any:
        """See ``sqlite3.Connection.executescript``."""
        return self.cursor().executescript(script)

    def commit(self) -> None:
        """See ``sqlite3.Connection.commit``."""
        self._do(super().commit)

    def __exit__(self, *raised: Any) -> Any:
        return self._do(lambda: super(_Connection, self).__exit__(*raised))


class _Cursor(sqlite3.Cursor):
    connection: _Connection

    def execute(self, statement: str, values: Any = (), /) -> Any:
        """See ``sqlite3.Cursor.execute``."""
        return self.connection._do(lambda: super(_Cursor, self).execute(statement, values))

    def executemany(self, statement: str, rows: Iterable[Any], /) -> Any:
        """See ``sqlite3.Cursor.executemany``."""
        return self.connection._do(lambda: super(_Cursor, self).executemany(statement, rows))

    def executescript(self, script: str, /) -> Any:
        """See ``sqlite3.Cursor.executescript``."""
        return self.connection._do(lambda: super(_Cursor, self).executescript(script))

    def fetchone(self) -> Any:
        """See ``sqlite3.Cursor.fetchone``."""
        return self.connection._do(super().fetchone)

    def fetchall(self) -> list[Any]:
        """See ``sqlite3.Cursor.fetchall``."""
        return self.connection._do(super().fetchall)

    def __next__(self) -> Any:
        return self.connection._do(super().__next__)
