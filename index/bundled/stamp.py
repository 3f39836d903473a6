"""What an index says of itself: the model, the library and the very bytes it was finished with.

An index is a folder of Chroma's that is written once, under a name of its own, and becomes the index when the stamp
that names it is put in place. What has no stamp was never finished and is never searched. Chroma notices some damage
to its files, answers wrongly on some, and crashes on some, so the stamp holds their hashes.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from imagerag.errors import FileError, UserError, first_line
from imagerag.index.chroma_client import DATABASE
from imagerag.regular_files import open_regular, read_regular
from imagerag.store.file_errors import WAY_OUT, cause_of, file_error
from imagerag.store.files import sync_folder, write_whole

SCHEMA = 1
"""Of the stamp and of the metadata in the collection. Raise it when either changes meaning."""

REBUILD = "run `imagerag index rebuild`"
STAMP = "current.json"
HASHED_BYTES = 2**26
"""Larger files are checked by size alone: hashing 64 MB takes 50 ms at each start, and that is enough."""


@dataclass(frozen=True)
class Stamp:
    """What makes two indexes the same.

    Attributes:
        schema: ``SCHEMA`` of the program that built it.
        model: id of the model whose embeddings it holds.
        library: hex digest of the library file it was built from.
        images: how many pictures it holds.
        folder: of Chroma's files, below the index's.
        files: size in bytes and hex SHA-256 (empty where too large) by relative path; Chroma's database has no hash,
            since opening it changes a page.
    """

    schema: int
    model: str
    library: str
    images: int
    folder: str
    files: dict[str, tuple[int, str]]


def read_stamp(directory: Path) -> Stamp | None:
    """Return the stamp of the index below ``directory``, or ``None`` if none was ever finished there.

    Raises:
        UserError: the stamp is damaged.
    """
    try:
        fields = json.loads(read_regular(directory / STAMP))
        if fields["schema"] != SCHEMA:
            raise UserError(
                f"the index at {str(directory)!r} has schema {fields['schema']!r}, not {SCHEMA}, which this imagerag "
                f"uses; {REBUILD}"
            )
        files = {str(name): (int(size), str(digest)) for name, (size, digest) in fields.pop("files").items()}
        return Stamp(**fields, files=files)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise file_error(directory / STAMP, error, verb="read", damaged=REBUILD) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise damaged(directory, f"{STAMP}: {error}") from error


def write_stamp(directory: Path, stamp: Stamp) -> None:
    """Make the folder that ``stamp`` names the index. Raises UserError if the disk refuses."""
    write_whole(directory / STAMP, json.dumps(asdict(stamp), indent=1).encode("utf-8"))


def seal(folder: Path, *, hashed: bool = True) -> dict[str, tuple[int, str]]:
    """Put the files of a finished folder safely on the disk, and return their sizes and hashes.

    Args:
        folder: of Chroma's files, closed.
        hashed: leave it out for a single picture, below what Chroma ever writes to its graph: the empty graph is
            written anew, with random filler, at each opening.

    Raises:
        UserError: the disk refuses.
    """
    try:
        found = {}
        folders = {folder for folder in folder.rglob("*") if folder.is_dir()} | {folder, folder.parent}
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            handle = os.open(file, os.O_RDWR)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
            name = file.relative_to(folder).as_posix()
            found[name] = (file.stat().st_size, "" if name == DATABASE or not hashed else _digest(file))
        for each in folders:
            sync_folder(each)
        return found
    except OSError as error:
        raise file_error(folder, error) from error


def check_seal(directory: Path, stamp: Stamp) -> None:
    """Compare Chroma's files with the stamp.

    Raises:
        UserError: one is missing or not as it was.
    """
    for name, (size, digest) in stamp.files.items():
        file = directory / stamp.folder / name
        try:
            found = file.stat().st_size
            if found < size if name == DATABASE else found != size:
                raise damaged(directory, f"{name} has {found} bytes, not {size}")
            if name == DATABASE:
                _check_database(file)
            elif digest and _digest(file) != digest:
                raise damaged(directory, f"{name} is not as it was written")
        except (OSError, sqlite3.Error) as error:
            if cause_of(error, file) not in ("damaged", "missing", "no file"):  # whole, for all that is known
                raise file_error(file, error, verb="read") from error
            raise damaged(directory, f"{name}: {error}") from error


def check_fits(directory: Path, stamp: Stamp, model: str, library: str) -> None:
    """Refuse an index that answers for another model or another library.

    Raises:
        UserError: it does.
    """
    if stamp.model != model:
        raise UserError(
            f"the index at {str(directory)!r} was made with model {stamp.model!r}, not with {model!r}; {REBUILD}"
        )
    if stamp.library != library:
        raise UserError(f"the index at {str(directory)!r} was made from another edition of the library; {REBUILD}")


def damaged(directory: Path, reason: str) -> FileError:
    """Return the error that says so, on one line."""
    first = (reason.splitlines() or ["unreadable"])[0][:200]
    message = f"the index at {str(directory)!r} is damaged ({first}); {REBUILD}"
    return FileError(message, str(directory), "damaged", "the index on the server is damaged")


def not_built(directory: Path, error: BaseException) -> FileError:
    """Return the error for an index that could not be built, on one line."""
    told = file_error(directory, error)
    if told.cause == "damaged":  # what is being made can't be: Chroma fails in many ways where a file can't grow
        reason = first_line(error)
        told = FileError(f"{str(directory)!r} can't be written ({reason}); {WAY_OUT}", told.file, "full", told.public)
    message = f"the index at {str(directory)!r} can't be built: {told}"
    return FileError(message, told.file, told.cause, told.public)


def file_digest(file: Path) -> str:
    """Return the hex SHA-256 of a file of any size."""
    with open_regular(file) as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _digest(file: Path) -> str:
    return file_digest(file) if file.stat().st_size <= HASHED_BYTES else ""


def _check_database(file: Path) -> None:
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as database:
        verdict = database.execute("PRAGMA quick_check(1)").fetchone()[0]
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)
