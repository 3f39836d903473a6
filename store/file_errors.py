"""What went wrong with a file, whoever says so: which file it is, why, and the way out.

The operating system, SQLite, Chroma and pyarrow tell of the same full disk in four ways, and of a damaged file in ten.
Whoever opens a file of the program's hands what was raised to ``file_error``, with the file that it knows it by. Nobody
is told to remove or move a file unless that very file is damaged.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from imagerag.errors import FileCause, FileError, first_line

WAY_OUT = "make room there, or set IMAGERAG_HOME (or --home) to a writable folder"
ELSEWHERE = "or set IMAGERAG_HOME (or --home) to another folder"

_WAYS_OUT: dict[FileCause, str] = {
    "full": WAY_OUT,
    "read-only": f"make it writable, {ELSEWHERE}",
    "not permitted": f"check its permissions and its owner, {ELSEWHERE}",
    "locked": "another process uses it; wait until that has ended, and try again",
    "no locks": "its file system has no file locks; set IMAGERAG_HOME (or --home) to a folder on a local disk",
    "missing": "check the path",
    "no file": f"check what is there, {ELSEWHERE}",
    "failing": "check the disk, and copy what is on it",
    "damaged": "restore it from a copy",
    "other": f"check the path, {ELSEWHERE}",
}
_WORDS: dict[FileCause, str] = {
    "damaged": "is damaged",
    "full": "can't be written: the disk is full",
    "read-only": "can't be written: it is read-only",
    "not permitted": "can't be used: permission is denied",
    "locked": "is in use by another process; try again",
    "no locks": "can't be locked: its file system has no locks",
    "missing": "is missing",
    "no file": "can't be used: it is no such file",
    "failing": "can't be used: the disk fails",
    "other": "can't be used",
}

_BY_ERRNO: dict[int, FileCause] = {
    errno.ENOSPC: "full",
    errno.EFBIG: "full",
    errno.EROFS: "read-only",
    errno.EACCES: "not permitted",
    errno.EPERM: "not permitted",
    errno.EBUSY: "locked",
    errno.EAGAIN: "locked",
    errno.ENOLCK: "no locks",
    errno.EIO: "failing",
    errno.ENOENT: "missing",
    errno.ENOTDIR: "no file",
    errno.EISDIR: "no file",
}
if hasattr(errno, "EDQUOT"):  # not on Windows
    _BY_ERRNO[errno.EDQUOT] = "full"
    _BY_ERRNO[errno.ESTALE] = "failing"

# The numbers, since Python tells them of its own SQLite alone, and Chroma in its messages.
_BY_SQLITE: dict[int, FileCause] = {
    3: "not permitted",  # SQLITE_PERM
    5: "locked",  # SQLITE_BUSY
    6: "locked",  # SQLITE_LOCKED
    8: "read-only",  # SQLITE_READONLY
    10: "failing",  # SQLITE_IOERR
    11: "damaged",  # SQLITE_CORRUPT
    13: "full",  # SQLITE_FULL
    26: "damaged",  # SQLITE_NOTADB
}
_IOERR_LOCKS = frozenset({2314, 3850, 2570, 3594})
"""SQLITE_IOERR_UNLOCK, _LOCK, _RDLOCK, _CHECKRESERVEDLOCK."""
_IOERR_ROOM = frozenset({778, 4874, 1546, 1290})
"""SQLITE_IOERR_WRITE, _SHMSIZE, _TRUNCATE, _DIR_FSYNC: what a full disk ends in where the write itself went through."""
_CHROMA_CODE = re.compile(r"\(code: (\d+)\)")
_RUST_ERRNO = re.compile(r"\(os error (\d+)\)|\[errno (\d+)\]", re.IGNORECASE)
_LACKING = re.compile(
    "no such (?:table|column|module|function|index|collation)|vtable constructor failed|malformed|has no column"
    "|unsupported file format|SQL logic error|may not be (?:modified|indexed|dropped)|cannot modify|values for"
    "|circularly defined|already another table|unknown or unsupported join|default value of column"
)
_SHORT = 2**20
"""Bytes that are left on a disk below which a write that failed for no reason told has failed for want of them."""


def cause_of(error: BaseException, file: str | Path, *, writing: bool = True) -> FileCause:
    """Return why a file could not be read or written.

    Args:
        error: an ``OSError``, a ``sqlite3.Error``, or whatever a library that reads files has raised.
        file: which; looked at where the error alone doesn't tell.
        writing: whether want of room may be behind it.
    """
    if isinstance(error, FileError):
        return error.cause
    if isinstance(error, sqlite3.Error):
        return _of_sqlite(getattr(error, "sqlite_errorcode", None), str(error), Path(file))
    if isinstance(error, OSError) and error.errno is not None:
        return _BY_ERRNO.get(error.errno, "other")
    text = " ".join(_told(error))
    if found := _RUST_ERRNO.search(text):
        return _BY_ERRNO.get(int(found[1] or found[2]), "other")
    if found := _CHROMA_CODE.search(text):
        return _of_sqlite(int(found[1]), text, Path(file))
    if isinstance(error, ModuleNotFoundError | MemoryError):
        return "other"
    return "full" if writing and _is_full(Path(file)) else "damaged"


def file_error(
    file: str | Path, error: BaseException, *, verb: str = "written", damaged: str = "", otherwise: str = ""
) -> FileError:
    """Return the error that names a file, what is wrong with it, and the way out.

    Args:
        file: which.
        error: what was raised; a ``FileError``, which names its own file, comes back as it is.
        verb: what could not be done: ``written``, ``read`` or ``used``.
        damaged: the way out where it is damaged, if there is a better one than a copy.
        otherwise: the way out for causes that lie in the path: it is missing, or may not be used.
    """
    if isinstance(error, FileError):
        return error
    cause = cause_of(error, file, writing=verb != "read")
    way_out = damaged if cause == "damaged" and damaged else _WAYS_OUT[cause]
    if otherwise and cause in ("missing", "no file", "not permitted", "other"):
        way_out = otherwise
    reason = _reason(error, cause)
    problem = f"is damaged ({reason})" if cause == "damaged" else f"can't be {verb} ({reason})"
    name = Path(file).name
    return FileError(f"{str(file)!r} {problem}; {way_out}", str(file), cause, f"{name!r} on the server {_WORDS[cause]}")


def _told(error: BaseException) -> Iterator[str]:
    """Yield what an error says and what led to it: Chroma's client wraps the one that tells."""
    at: BaseException | None = error
    for _ in range(8):
        if at is None:
            return
        yield str(at)
        at = at.__cause__ or at.__context__


def _reason(error: BaseException, cause: FileCause) -> str:
    told = error.strerror if isinstance(error, OSError) and error.strerror else first_line(error)
    if cause == "full" and not re.search("full|space|quota|large", told, re.IGNORECASE):
        return f"the disk is full: {told}"
    if cause == "damaged" and isinstance(error, sqlite3.Error) and _LACKING.search(told):
        return f"it lacks what belongs in it: {told}"
    return told


def _of_sqlite(code: int | None, text: str, file: Path) -> FileCause:
    if code is None:  # a verdict of ours on its content, or one that lost its number on the way
        return "locked" if "locked" in text else "full" if "disk is full" in text else "damaged"
    primary = code & 0xFF
    if code in _IOERR_LOCKS:
        return "no locks"
    if code in _IOERR_ROOM or primary == 10:
        return "full" if code in _IOERR_ROOM or _is_full(file) else "failing"
    if primary == 14:  # SQLITE_CANTOPEN
        return _unopened(file)
    if primary == 1:  # SQLITE_ERROR: a statement that doesn't fit the tables that are there
        return ("full" if _is_full(file) else "damaged") if _LACKING.search(text) else "other"
    return _BY_SQLITE.get(primary, "other")


def _unopened(file: Path) -> FileCause:
    if file.is_dir():
        return "no file"
    if not file.parent.is_dir():
        return "missing"
    if _is_full(file):
        return "full"
    readable = os.access(file, os.R_OK | os.W_OK) if file.exists() else os.access(file.parent, os.W_OK)
    return "other" if readable else "not permitted"


def _is_full(file: Path) -> bool:
    """Tell whether the disk that a file is on has no room left."""
    for folder in file.parents:
        try:
            return shutil.disk_usage(folder).free < _SHORT
        except OSError:
            continue
    return False
