"""Folders of Chroma's that writers who were killed have left: nothing names them."""

from collections.abc import Iterator
from pathlib import Path

from imagerag.errors import UserError
from imagerag.index.bundled.stamp import STAMP
from imagerag.index.chroma_client import PREFIX
from imagerag.index.lock import writer_lock
from imagerag.index.user_libraries import library_directory, library_names
from imagerag.regular_files import read_regular

BUNDLED = "index"
"""The bundled library's folder in the data directory."""
LOCK = "lock"


def unnamed_folders(directory: Path) -> list[Path]:
    """Return the folders of Chroma's in a library's folder that no file there names; for the lock's holder.

    Raises:
        OSError: a file can't be read.
    """
    names = [
        read_regular(file).decode("utf-8", "replace")
        for form in ("applied-*.json", STAMP)
        for file in directory.glob(form)
    ]
    found = sorted(directory.glob(f"{PREFIX}*"))
    return [folder for folder in found if folder.is_dir() and not any(folder.name in text for text in names)]


def left_by_writers(home: Path) -> Iterator[Path | str]:
    """Yield such folders of all libraries in a data directory; a note for a library that is being written.

    Raises:
        OSError: a folder can't be read.
        FileError: a lock can't be used.
    """
    for directory in (home / BUNDLED, *(library_directory(home, name) for name in library_names(home))):
        if not unnamed_folders(directory):
            continue
        try:
            with writer_lock(directory / LOCK, patience=0):
                yield from unnamed_folders(directory)
        except UserError as error:
            yield f"what killed writers have left in {directory.name!r} stays: {error}"
