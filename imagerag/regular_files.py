"""Files that end when they are read: what lies in a folder may also be a named pipe, a socket or a device.

Opening a pipe that nobody writes to waits for ever, and reading ``/dev/zero`` takes all memory. Folders with pictures,
runs and data may be anybody's.
"""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

_WITHOUT_WAITING = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)  # of Windows the latter
_MIB = 2**20
MOST_BYTES = 2**30
"""That are read at once where nothing else is said."""
SETTINGS_BYTES = 2**20
"""Of settings, profiles and prices; those that come with imagerag have some tens of kB."""


def open_regular(path: str | Path, *, links: bool = True) -> BufferedReader:
    """Open a file for reading, without waiting for anybody.

    Args:
        path: of the file.
        links: it may be a link; one in a folder of anybody's leads to any file of this machine.

    Raises:
        OSError: it can't be opened, or is no regular file, or a link that it may not be.
        ValueError: no possible path.
    """
    _check(os.stat(path) if links else os.lstat(path), path)  # opening a device may do something already
    handle = os.open(path, _WITHOUT_WAITING | (0 if links else getattr(os, "O_NOFOLLOW", 0)))
    try:
        _check(os.fstat(handle), path)  # another one may have come into its place
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def check_regular(path: str | Path) -> None:
    """Refuse what is no regular file, without opening it: closing a file gives up what locks a process has on it.

    Raises:
        OSError: it is none, or not there.
    """
    _check(os.stat(path), path)


def read_regular(path: str | Path, most: int = MOST_BYTES, *, links: bool = True) -> bytes:
    """Return the bytes of a file.

    Args:
        path: of the file.
        most: bytes it may have.
        links: as of ``open_regular``.

    Raises:
        OSError: it can't be read, is no regular file, or has more.
        ValueError: no possible path.
    """
    with open_regular(path, links=links) as file:  # its size first: reading so many bytes would make room for as many
        data = file.read() if os.fstat(file.fileno()).st_size <= most else None
    if data is None or len(data) > most:
        raise OSError(errno.EINVAL, f"it has more than {most / _MIB:g} MB", str(path))
    return data


def read_regular_text(path: str | Path, encoding: str = "utf-8", most: int = MOST_BYTES) -> str:
    """Return the text of a file, its lines ended as Python does.

    Raises:
        OSError: as ``read_regular``.
        UnicodeDecodeError: it is in another encoding.
        ValueError: no possible path.
    """
    text = read_regular(path, most).decode(encoding)
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _check(status: os.stat_result, path: str | Path) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if stat.S_ISLNK(status.st_mode):
        raise OSError(errno.ELOOP, "it is a link", str(path))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
