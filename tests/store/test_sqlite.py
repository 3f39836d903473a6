"""Databases whose errors name them: what they raise is in test_file_errors.py."""

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from imagerag.errors import FileError
from imagerag.store.sqlite import open_database


def test_rows_and_transactions_are_as_usual(tmp_path: Path) -> None:
    file = tmp_path / "a.sqlite"
    with open_database(file, damaged="") as database:
        database.executescript("CREATE TABLE t (a); CREATE TABLE u (a);")
        database.executemany("INSERT INTO t VALUES (?)", [(1,), (2,)])
    assert database.execute("SELECT a FROM t ORDER BY a").fetchone() == (1,)
    assert list(open_database(file, damaged="").execute("SELECT a FROM t ORDER BY a")) == [(1,), (2,)]
    assert open_database(None, damaged="").execute("SELECT 1").fetchall() == [(1,)]
    assert file.stat().st_mode & 0o077 == 0, "for its owner alone"


ENDLESS = "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT x AS name FROM r WHERE x < 0"


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        (f"CREATE VIEW things AS {ENDLESS}", "a view, 'things'"),
        (f"CREATE TRIGGER t AFTER INSERT ON own BEGIN DELETE FROM own WHERE x IN ({ENDLESS}); END", "a trigger, 't'"),
    ],
)
def test_a_file_with_code_in_it_is_refused(tmp_path: Path, statement: str, kind: str) -> None:
    """It may be somebody else's, and a view may have rows without end."""
    file = tmp_path / "x.sqlite"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE own (x)")
        connection.execute(statement)
    with pytest.raises(FileError, match=f"it has {kind}, and imagerag makes none.*; move it away") as raised:
        open_database(file, damaged="move it away")
    assert raised.value.cause == "damaged"


def test_opening_it_again_gives_up_no_lock_of_this_process(tmp_path: Path) -> None:
    """The system drops all locks of a process on a file when it closes any handle to it (sqlite.org/howtocorrupt)."""
    file = tmp_path / "x.sqlite"
    with closing(open_database(file, damaged="", isolation_level=None)) as first:
        first.executescript("CREATE TABLE t (a); BEGIN EXCLUSIVE; INSERT INTO t VALUES (1)")
        open_database(file, damaged="", timeout=0.0).close()
        code = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('SELECT a FROM t')"
        other = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=False)
        assert "database is locked" in other.stderr
        first.execute("COMMIT")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such pipes")
def test_a_named_pipe_in_its_place_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.sqlite")
    with pytest.raises(FileError, match="it is no regular file"):
        open_database(tmp_path / "x.sqlite", damaged="")


@pytest.mark.skipif(sys.platform != "linux", reason="what becomes of a map of a file that is cut short differs")
def test_a_log_index_that_is_cut_short_ends_the_process_and_loses_nothing(tmp_path: Path) -> None:
    """Which no process can help that maps files; the next one makes the index of the log anew."""
    file = tmp_path / "a.sqlite"
    code = (
        "import os, pathlib, sys; from imagerag.store.sqlite import open_database; file = pathlib.Path(sys.argv[1]); "
        "database = open_database(file, damaged='', isolation_level=None); "
        "database.execute('PRAGMA journal_mode=WAL'); database.executescript('CREATE TABLE t (a)'); "
        "database.execute('INSERT INTO t VALUES (1)'); os.truncate(f'{file}-shm', 0); "
        "database.execute('INSERT INTO t VALUES (2)')"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(file)], check=False)
    assert ended.returncode == -signal.SIGBUS
    database = open_database(file, damaged="")
    assert database.execute("SELECT a FROM t").fetchall()[:1] == [(1,)]
    assert database.execute("PRAGMA quick_check").fetchall() == [("ok",)]
