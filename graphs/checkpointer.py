"""Where threads are kept: the one place that opens the checkpointer, and how checkpoints are read."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from imagerag.errors import UserError
from imagerag.store.home import THREADS
from imagerag.store.private import private_file

if TYPE_CHECKING:
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
    from langgraph.checkpoint.sqlite import SqliteSaver

LOCK_TIMEOUT = 30.0
"""Seconds to wait for another process that writes."""


def plain_data() -> "JsonPlusSerializer":
    """Return what writes and reads checkpoints: plain data, and messages.

    LangGraph's own default calls whatever a checkpoint names, ``os.system`` among it, and a data directory may be
    somebody else's. Here what is not on LangGraph's list of harmless types comes back as the data that would have been
    handed to it, and LangGraph logs a warning that names it.
    """
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

    return JsonPlusSerializer(allowed_msgpack_modules=None)


@contextmanager
def open_checkpointer(home: Path) -> Iterator["SqliteSaver"]:
    """Keep the threads of a data directory open for the length of a ``with`` block.

    Raises:
        UserError: the file can't be opened, or what is done in the block can't be written to it.
    """
    from langgraph.checkpoint.sqlite import SqliteSaver

    file = home / THREADS
    try:
        with closing(sqlite3.connect(private_file(file), timeout=LOCK_TIMEOUT, check_same_thread=False)) as connection:
            saver = SqliteSaver(connection, serde=plain_data())
            saver.setup()
            yield saver
    except (sqlite3.OperationalError, PermissionError) as error:
        raise UserError(
            f"{str(file)!r} can't be written ({error}); make room there, or choose another folder with --home DIR"
        ) from error
    except sqlite3.DatabaseError as error:
        raise UserError(f"{str(file)!r} is damaged ({error}); move it away, a new one is made then") from error
