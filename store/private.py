"""Files and folders that only their owner may read. Windows keeps a user's folders from others by itself."""

import logging
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

FOLDER, FILE = 0o700, 0o600
OTHERS = 0o077
OURS = (
    "threads.sqlite*", "doors.sqlite*", "chat-history*", "fast.json", "images", "index", "library", "own", "libraries",
    "locks", "web",
)  # fmt: skip
"""What a data directory holds; nothing else in a folder is touched, which may be somebody's home directory."""

_log = logging.getLogger(__name__)


def private_folder(path: Path) -> None:
    """Make a folder, with those above it that are missing, for its owner alone; one that is there stays as it is.

    Raises:
        OSError: it can't be made.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(FOLDER, exist_ok=True)
    path.mkdir(exist_ok=True)  # says so if something else is there


def private_file(path: Path) -> Path:
    """Make an empty file for its owner alone where there is none, and return the path: SQLite keeps its permissions,
    for the files beside it, too.

    Raises:
        OSError: it can't be made.
    """
    if not path.exists():  # closing one that is there would give up the locks that SQLite holds on it in this process
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, FILE))
    return path


def tighten(home: Path) -> None:
    """Take from others what they may read of a data directory of ours, and tell so in the log.

    A folder with other things in it keeps its own permissions; what is ours in it is closed.

    Args:
        home: the data directory; there already.
    """
    if sys.platform == "win32":
        return
    try:
        names = os.listdir(home)
        ours = [path for form in OURS for path in home.glob(form)]
        if {path.name for path in ours} >= {name for name in names if not name.startswith(".")}:
            loose = _closed(home, FOLDER)
        else:
            loose = False
        # Below a folder that was closed already, as each of ours is when it is made, nobody else gets.
        found = [path for path in ours if _closed(path, FOLDER if path.is_dir() else FILE)]
        if loose or found:
            for path in (below for folder in found if folder.is_dir() for below in _below(folder)):
                _closed(path, FOLDER if path.is_dir() else FILE)
            _log.warning("%r was readable by others on this machine; now it is yours alone", str(home))
    except OSError as error:
        _log.warning("%r may be readable by others on this machine (%s); run: chmod -R go= %s", str(home), error, home)


def closed_below(folder: Path) -> None:
    """Take from others what they may read of a folder that another library writes, as far as that can be done."""
    if sys.platform == "win32":
        return
    for path in (folder, *_below(folder)):
        with suppress(OSError):  # gone meanwhile, or somebody else's: the folder above is closed
            _closed(path, FOLDER if path.is_dir() else FILE)


def _below(folder: Path) -> Iterator[Path]:
    for root, folders, files in os.walk(folder):
        yield from (Path(root, name) for name in (*folders, *files))


def _closed(path: Path, mode: int) -> bool:
    """Close a file or folder of the person's own; tell whether it was open. Links are left alone."""
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode) or not stat.S_IMODE(status.st_mode) & OTHERS:
        return False
    path.chmod(mode)
    return True
