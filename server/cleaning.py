"""What of a data directory can go: old conversations, images that nothing refers to, what was left half-written.

Nothing is taken from a process that is at work: its threads are locked, its files have its name, and images stay for a
day after they were last drawn, uploaded or asked for.
"""

from __future__ import annotations

import shutil
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from imagerag.errors import FileError
from imagerag.graphs.checkpointer import open_checkpointer
from imagerag.graphs.thread_cleaning import (
    drop_superseded,
    forget,
    old_threads,
    referred_images,
    refers_to,
    thread_names,
)
from imagerag.graphs.thread_saver import ThreadSaver
from imagerag.index.leftovers import left_by_writers
from imagerag.index.user_libraries import found_folders
from imagerag.server import stored_references
from imagerag.server.database import FILE
from imagerag.server.database_file import DatabaseFile
from imagerag.store.file_errors import file_error
from imagerag.store.garbage import GRACE, unreferred, written_by_nobody
from imagerag.store.home import THREADS
from imagerag.store.images import ImageStore

DAY = 86_400.0


@dataclass
class Garbage:
    """What can go, or has gone.

    Attributes:
        threads: names of conversations, as the checkpointer knows them.
        images: files of images, and of copies of what look-ups have found.
        leftovers: files that a killed process was writing, and folders of a search index that nothing names.
        checkpoints: how many within ended turns have gone; not counted beforehand.
        bytes: of the files.
        notes: what stays though it was to go, and why.
    """

    threads: list[str] = field(default_factory=list)
    images: list[Path] = field(default_factory=list)
    leftovers: list[Path] = field(default_factory=list)
    checkpoints: int = 0
    bytes: int = 0
    notes: list[str] = field(default_factory=list)


def find_garbage(home: Path, older_than: float | None = None, grace: float = GRACE) -> Garbage:
    """Return what can go; nothing is changed.

    Args:
        home: the data directory.
        older_than: days for which nobody has gone on with a conversation, or uploaded a picture again, for it to go;
            none goes if ``None``.
        grace: seconds for which an image stays in any case.

    Raises:
        FileError: a file can't be read.
    """
    return _clean(home, older_than, grace, really=False)


def remove_garbage(home: Path, older_than: float | None = None, grace: float = GRACE) -> Garbage:
    """Remove what can go and return it; see ``find_garbage``.

    Raises:
        FileError: a file can't be read or changed.
    """
    return _clean(home, older_than, grace, really=True)


def remove_if_unreferred(store: ImageStore, database: DatabaseFile, saver: ThreadSaver, address: str) -> bool:
    """Remove an image, unless an entry, a conversation or what a run has told refers to it; tell whether it is gone.

    Args:
        store: that holds it.
        database, saver: of the same data directory.
        address: of the image.
    """
    if stored_references.refers_to(database, address) or refers_to(saver, address):
        return False
    with suppress(FileNotFoundError):
        _remove(store.path(address))
    return True


def _clean(home: Path, older_than: float | None, grace: float, *, really: bool) -> Garbage:
    garbage = Garbage()
    before = None if older_than is None else time.time() - older_than * DAY
    referred: set[str] = set()
    kept: set[str] = set()
    try:
        if (home / THREADS).is_file():
            with open_checkpointer(home) as saver:
                _clean_threads(saver, before, garbage, really)
                kept = {*thread_names(saver)} - {*garbage.threads}
                referred |= referred_images(saver, garbage.threads)
        if (home / FILE).is_file():
            with closing(stored_references.open_file(home)) as database:
                referred |= stored_references.referred_images(database, before, kept)
                if really and before is not None:
                    stored_references.forget_old(database, before, kept)
        garbage.images = unreferred(ImageStore(home), referred, grace, found_folders(home))
        garbage.leftovers = written_by_nobody(home)
        for found in left_by_writers(home):
            (garbage.notes if isinstance(found, str) else garbage.leftovers).append(found)  # type: ignore[arg-type]
    except OSError as error:
        raise file_error(error.filename or home, error, verb="read") from error
    for file in (*garbage.images, *garbage.leftovers):
        with suppress(FileNotFoundError):
            garbage.bytes += sum(part.stat().st_size for part in ([*file.rglob("*")] if file.is_dir() else [file]))
            if really:
                _remove(file)
    return garbage


def _clean_threads(saver: ThreadSaver, before: float | None, garbage: Garbage, really: bool) -> None:
    for thread in [] if before is None else list(old_threads(saver, before)):
        if not really or forget(saver, thread.name):
            garbage.threads.append(thread.name)
        else:
            garbage.notes.append(f"thread {thread.name!r} stays: a run of it is under way")
    if not really:
        return
    garbage.checkpoints = drop_superseded(saver)
    if garbage.threads or garbage.checkpoints:
        try:
            saver.conn.execute("VACUUM")  # else the file keeps its size
        except FileError as error:
            garbage.notes.append(f"{THREADS} keeps its size: {error}")


def _remove(file: Path) -> None:
    try:
        shutil.rmtree(file) if file.is_dir() else file.unlink()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise file_error(file, error, verb="used") from error
