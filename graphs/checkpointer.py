"""Where threads are kept: the one place that opens the checkpointer."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from imagerag.errors import UserError
from imagerag.store.home import THREADS
from imagerag.store.private import private_file

if TYPE_CHECKING:
    from imagerag.graphs.thread_saver import ThreadSaver

LOCK_TIMEOUT = 30.0
"""Seconds to wait for another process that writes."""


@contextmanager
def open_checkpointer(home: Path) -> Iterator["ThreadSaver"]:
    """Keep the threads of a data directory open for the length of a ``with`` block.

    Raises:
        UserError: the file can't be opened, or what is done in the block can't be written to it.
    """
    from imagerag.graphs.thread_saver import ThreadSaver

    file = home / THREADS
    try:
        with closing(sqlite3.connect(private_file(file), timeout=LOCK_TIMEOUT, check_same_thread=False)) as connection:
            saver = ThreadSaver(connection, home)
            saver.setup()
            yield saver
    except (sqlite3.OperationalError, PermissionError) as error:
        raise UserError(
            f"{str(file)!r} can't be written ({error}); make room there, or choose another folder with --home DIR"
        ) from error
    except sqlite3.DatabaseError as error:
        raise UserError(f"{str(file)!r} is damaged ({error}); move it away, a new one is made then") from error
