"""The data directory: images, the reference index and threads lie below it."""

import os
from pathlib import Path

from imagerag.store.file_errors import file_error
from imagerag.store.files import make_writable
from imagerag.store.private import private_folder, tighten

THREADS = "threads.sqlite"
"""The file of the threads' checkpoints in the data directory."""


def home_directory(home: str | Path | None = None) -> Path:
    """Return the data directory as an absolute path, created and known to be writable, and its
    owner's alone on POSIX.

    Args:
        home: the folder; ``IMAGERAG_HOME``, or else the platform's user data folder, when ``None``.

    Raises:
        UserError: it can't be created or written to; the message says how to choose another.
    """
    path = home_path(home)
    try:
        private_folder(path)
        make_writable(path)
        tighten(path)
    except OSError as error:
        raise file_error(path, error) from error
    return path


def home_path(home: str | Path | None = None) -> Path:
    """Return where the data directory is or would be, as an absolute path; nothing is created."""
    named = home or os.environ.get("IMAGERAG_HOME")
    if named:
        return Path(os.path.abspath(os.path.expanduser(named)))
    from platformdirs import user_data_dir

    return Path(user_data_dir("imagerag", appauthor=False))
