"""What keeps work that goes on after a kill: one process at a time in its folder, and lines that are on the disk."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from imagerag.errors import UserError
from imagerag.store.file_errors import file_error


def append_line(path: Path, line: bytes, *, whole: bool) -> None:
    """Add a line to a file; it is on the disk when this returns.

    Args:
        line: with its end.
        whole: whether what is there ends a line; the last one of a process that was killed does not.

    Raises:
        UserError: it can't be written, or is a link: a folder of somebody else's could have lines added to any file.
    """
    try:
        with open(path, "ab", opener=_no_link) as file:
            file.write(line if whole else b"\n" + line)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        if path.is_symlink():
            raise UserError(f"{str(path)!r} is a link, to which no lines are added; put a file in its place") from error
        raise file_error(path, error, verb="written to") from error


def _no_link(path: str, flags: int) -> int:
    # Windows has no such flag, and lets only administrators make links.
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)


@contextmanager
def sole_worker(lock_file: Path, command: str) -> Iterator[None]:
    """Keep other processes out of a folder for the length of a ``with`` block.

    Args:
        lock_file: in that folder.
        command: that works there, for the error: "imagerag batch".

    Raises:
        UserError: one is at work there.
    """
    lock = FileLock(lock_file)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        where = str(lock_file.parent)
        raise UserError(f"another {command} is at work in {where!r}; wait, or choose --out") from error
    except (OSError, NotImplementedError):  # a file system without locks
        yield
        return
    try:
        yield
    finally:
        lock.release()
