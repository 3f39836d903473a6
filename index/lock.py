"""One writer at a time: a file lock that the operating system frees whenever its holder dies."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from imagerag.errors import UserError
from imagerag.regular_files import read_regular
from imagerag.store.file_errors import file_error
from imagerag.store.private import FILE, private_file, private_folder

PATIENCE = 60.0
"""Seconds; building the bundled library takes a few, more than this is another person's long job."""

PAUSE = 0.05


@contextmanager
def writer_lock(
    file: Path, *, patience: float = PATIENCE, on_wait: Callable[[str], None] | None = None
) -> Iterator[None]:
    """Hold the lock ``file`` for the length of a ``with`` block.

    Args:
        file: created if missing, with its folder. While it is held, ``FILE.pid`` beside it has the writer's process id.
        patience: seconds to wait for another writer.
        on_wait: called once with a message when there is one.

    Raises:
        UserError: another process still writes.
        FileError: the file can't be written, or its file system has no locks.
    """
    lock = FileLock(file, mode=FILE)
    holder = file.with_name(f"{file.name}.pid")
    try:
        private_folder(file.parent)
    except OSError as error:
        raise file_error(file, error) from error
    if not _acquired(lock, 0):
        if on_wait is not None and patience > 0:
            on_wait(f"waiting: {_taken(holder)}")
        if not _acquired(lock, patience):
            raise UserError(f"{_taken(holder)}; wait until it has ended, or end it, and try again")
    try:
        # A file of its own: Windows lets nobody read what is locked, and filelock may empty or remove its file.
        try:
            private_file(holder).write_text(f"{os.getpid()}\n", encoding="ascii")
        except OSError as error:
            raise file_error(holder, error) from error
        yield
    finally:
        # Windows keeps a file that somebody is reading; the next writer replaces what it says.
        with suppress(OSError):
            holder.unlink()
        lock.release()


def _acquired(lock: FileLock, patience: float) -> bool:
    try:
        lock.acquire(timeout=patience, poll_interval=PAUSE)
    except Timeout:
        return False
    except NotImplementedError as error:  # filelock's word for a file system without locks
        raise file_error(lock.lock_file, OSError(errno.ENOLCK, str(error)), verb="locked") from error
    except OSError as error:
        raise file_error(lock.lock_file, error, verb="locked") from error
    return True


def _taken(holder: Path) -> str:
    try:
        number = read_regular(holder).decode("ascii", "replace").strip()
    except OSError:
        number = ""
    writer = f"pid {number}" if number else "just started"
    return f"another imagerag process ({writer}) is writing the index at {str(holder.parent)!r}"
