"""What went wrong with a file: its name, the cause and the way out, whoever tells of it."""

import errno
import os
import sqlite3
from pathlib import Path

import pytest

from imagerag.errors import FileCause, FileError
from imagerag.store.file_errors import cause_of, file_error
from imagerag.store.sqlite import open_database

DESTRUCTIVE = ("move it away", "remove", "delete")


@pytest.mark.parametrize(
    ("number", "cause"),
    [
        (errno.ENOSPC, "full"),
        (errno.EDQUOT, "full"),
        (errno.EFBIG, "full"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "not permitted"),
        (errno.EPERM, "not permitted"),
        (errno.EAGAIN, "locked"),
        (errno.ENOLCK, "no locks"),
        (errno.EIO, "failing"),
        (errno.ENOENT, "missing"),
        (errno.ENOTDIR, "no file"),
        (errno.EMFILE, "other"),
    ],
)
def test_nobody_is_told_to_remove_a_file_that_is_whole(number: int, cause: FileCause, tmp_path: Path) -> None:
    file = tmp_path / "threads.sqlite"
    told = file_error(file, OSError(number, os.strerror(number)), damaged="move it away")
    assert (told.cause, told.file) == (cause, str(file))
    assert str(told).startswith(repr(str(file)))
    assert os.strerror(number) in str(told)
    assert not any(word in str(told).removeprefix(repr(str(file))) for word in DESTRUCTIVE)
    assert str(tmp_path) not in told.public
    assert "threads.sqlite" in told.public


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        ("error returned from database: (code: 13) database or disk is full", "full"),
        ("error returned from database: (code: 8) attempt to write a readonly database", "read-only"),
        ("error returned from database: (code: 5) database is locked", "locked"),
        ("error returned from database: (code: 26) file is not a database", "damaged"),
        ("Error creating hnsw segment writer: No space left on device (os error 28)", "full"),
        ("IO error: Permission denied (os error 13)", "not permitted"),
        ("Error loading hnsw index", "damaged"),
    ],
)
def test_what_chroma_says_is_read(words: str, cause: FileCause, tmp_path: Path) -> None:
    from chromadb.errors import InternalError

    wrapped = ValueError("Could not connect to tenant default_tenant. Are you sure it exists?")
    wrapped.__cause__ = InternalError(words)
    assert cause_of(InternalError(words), tmp_path / "chroma.sqlite3") == cause
    assert cause_of(wrapped, tmp_path / "chroma.sqlite3") == cause


def test_an_error_that_names_its_file_goes_on_as_it_is(tmp_path: Path) -> None:
    told = file_error(tmp_path / "one", OSError(errno.ENOSPC, "full"))
    assert file_error(tmp_path / "other", told) is told


@pytest.mark.parametrize("content", [b"no database" * 100, b"SQLite format 3\0" + b"\xff" * 4080])
def test_a_file_that_is_no_database(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "a.sqlite"
    file.write_bytes(content)
    database = open_database(file, damaged="move it away")
    for call in (
        lambda: database.execute("SELECT * FROM sqlite_master").fetchall(),
        lambda: database.cursor().execute("CREATE TABLE t (a)"),
        lambda: database.executescript("CREATE TABLE t (a)"),
    ):
        with pytest.raises(FileError, match=r"a\.sqlite' is damaged .*; move it away") as caught:
            call()
        assert caught.value.cause == "damaged"
    database.close()


def test_a_database_that_is_locked_read_only_or_elsewhere(tmp_path: Path) -> None:
    file = tmp_path / "a.sqlite"
    first = open_database(file, damaged="move it away")
    first.execute("CREATE TABLE t (a)")
    first.execute("BEGIN EXCLUSIVE")
    with pytest.raises(FileError) as caught:
        open_database(file, damaged="move it away", timeout=0).execute("INSERT INTO t VALUES (1)")
    assert caught.value.cause == "locked"
    first.rollback()
    first.execute("PRAGMA query_only = 1")
    with pytest.raises(FileError) as caught:
        first.execute("INSERT INTO t VALUES (1)")
    assert caught.value.cause == "read-only"
    with pytest.raises(FileError) as caught:
        open_database(tmp_path / "gone" / "a.sqlite", damaged="move it away")
    assert caught.value.cause == "missing"
    with pytest.raises(FileError) as caught:
        open_database(tmp_path, damaged="move it away")
    assert caught.value.cause == "no file"


def test_a_statement_that_is_wrong_is_no_fault_of_the_file(tmp_path: Path) -> None:
    database = open_database(tmp_path / "a.sqlite", damaged="move it away")
    with pytest.raises(sqlite3.OperationalError, match="syntax"):
        database.execute("SELEKT 1")
    database.execute("CREATE TABLE t (a UNIQUE)")
    database.execute("INSERT INTO t VALUES (1)")
    with pytest.raises(sqlite3.IntegrityError):
        database.execute("INSERT INTO t VALUES (1)")
