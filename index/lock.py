"""One writer at a time: a lock that the operating system lets go of whenever its holder dies."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from imagerag.errors import UserError
from imagerag.store.files import cannot_write

PATIENCE = 60.0
"""Seconds; building the bundled library takes a few, more than this is another person's long job."""

PAUSE = 0.05


@contextmanager
def writer_lock(
    file: Path, *, patience: float = PATIENCE, on_wait: Callable[[str], None] | None = None
) -> Iterator[None]:
    """Hold the lock ``file`` for the length of a ``with`` block.

    Args:
        file: made if missing, with its folder; holds the writer's process id and stays there afterwards.
        patience: seconds to wait for another writer.
        on_wait: told once, in words, when there is one.

    Raises:
        UserError: another process still writes, or the file can't be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise cannot_write(file, error) from error
    try:
        _wait(handle, file, patience, on_wait)
        try:
            # Byte 0 is what Windows locks, and a locked byte can't be read there: the id begins behind it.
            os.lseek(handle, 0, os.SEEK_SET)
            os.write(handle, f"\n{os.getpid()}\n".encode("ascii").ljust(16))
        except OSError as error:
            raise cannot_write(file, error) from error
        yield
    finally:
        os.close(handle)


def _wait(handle: int, file: Path, patience: float, on_wait: Callable[[str], None] | None) -> None:
    deadline = time.monotonic() + patience
    told = False
    while not _taken(handle):
        message = f"another imagerag process ({_writer(handle)}) is writing the index at {str(file.parent)!r}"
        if time.monotonic() >= deadline:
            raise UserError(f"{message}; wait until it has ended, or end it, and try again")
        if on_wait is not None and not told:
            on_wait(f"waiting: {message}")
            told = True
        time.sleep(PAUSE)


def _writer(handle: int) -> str:
    os.lseek(handle, 1, os.SEEK_SET)
    number = os.read(handle, 15).decode("ascii", "replace").strip()
    return f"pid {number}" if number else "just started"


if sys.platform == "win32":
    import msvcrt

    def _taken(handle: int) -> bool:
        os.lseek(handle, 0, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

else:
    import fcntl

    def _taken(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
