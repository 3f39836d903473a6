"""Files that a killed process was writing: told from those of live ones by their names, and removed.

A file is written under a name that begins with ``.writing-`` and is renamed when it is whole. The name tells which
process writes it, and where: process ids mean nothing on another machine, or in another container, that shares the
folder.
"""

from __future__ import annotations

import os
import platform
import time
import zlib
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

PREFIX = ".writing-"
DAY = 86_400.0
"""Seconds without a change after which a file of another machine, or of an earlier version, is left over for sure."""

_swept: set[Path] = set()
"""Folders that this process has looked through: once is enough, for what others leave behind later the next will."""


def begun_here() -> str:
    """Return what tells this process from all others that may write to a folder, as part of a file's name."""
    return f"{_machine()}-{os.getpid()}"


def sweep(folder: Path) -> None:
    """Remove what killed processes were writing in a folder, when this process first writes there.

    Raises:
        OSError: the folder can't be read.
    """
    if folder in _swept:
        return
    _swept.add(folder)
    for file in left_over(folder):
        with suppress(FileNotFoundError, PermissionError):  # its writer has come to an end meanwhile; or Windows
            file.unlink()


def left_over(folder: Path) -> list[Path]:
    """Return the files of a folder that killed processes were writing.

    Raises:
        OSError: the folder can't be read.
    """
    with os.scandir(folder) as entries:
        found = [entry for entry in entries if entry.name.startswith(PREFIX)]
    left: list[Path] = []
    for entry in found:
        with suppress(FileNotFoundError):
            if _is_left_over(entry):
                left.append(Path(entry.path))
    return left


def _is_left_over(entry: os.DirEntry[str]) -> bool:
    machine, _, rest = entry.name.removeprefix(PREFIX).partition("-")
    number = rest.partition("-")[0]
    if machine == _machine() and number.isdecimal():
        return not _is_alive(int(number))
    return time.time() - entry.stat(follow_symlinks=False).st_mtime > DAY


def _is_alive(process: int) -> bool:
    import psutil

    return bool(psutil.pid_exists(process))


@lru_cache(maxsize=1)
def _machine() -> str:
    """Return eight hex digits that stand for this machine and, on Linux, for the container that ids are counted in."""
    ids = [platform.node()]
    for place in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"):
        with suppress(OSError):
            ids.append(os.readlink(place) if place.endswith("pid") else Path(place).read_text(encoding="ascii"))
    return f"{zlib.crc32(' '.join(ids).encode()):08x}"
