"""Where threads are kept: the one place that opens the checkpointer, and how checkpoints are read."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagerag.errors import UserError
from imagerag.store.home import THREADS
from imagerag.store.private import private_file

if TYPE_CHECKING:
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
    from langgraph.checkpoint.sqlite import SqliteSaver

NEW_THREAD = "begin another one (--thread NAME)"
LOCK_TIMEOUT = 30.0
"""Seconds to wait for another process that writes."""


def plain_data() -> "JsonPlusSerializer":
    """Return what writes and reads checkpoints: plain data, and messages.

    LangGraph's own default calls whatever a checkpoint names, ``os.system`` among it, and a data directory may be
    somebody else's. Here what is not on LangGraph's list of harmless types comes back as the data that would have been
    handed to it, and LangGraph logs a warning that names it.
    """
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

    class PlainData(JsonPlusSerializer):
        def loads_typed(self, data: tuple[str, bytes]) -> Any:
            """Read what was stored.

            Raises:
                UserError: it is damaged.
            """
            try:
                return super().loads_typed(data)
            except (ValueError, TypeError, NotImplementedError, RecursionError) as error:
                raise UserError(f"a stored thread is damaged ({error}); {NEW_THREAD}") from error

    return PlainData(allowed_msgpack_modules=None)


@contextmanager
def open_checkpointer(home: Path) -> Iterator["SqliteSaver"]:
    """Keep the threads of a data directory open for the length of a ``with`` block.

    Raises:
        UserError: the file can't be opened, or what is done in the block can't be written to it.
    """
    from langgraph.checkpoint.sqlite import SqliteSaver

    class Threads(SqliteSaver):
        def get_tuple(self, config: Any) -> Any:
            """Return a checkpoint.

            Raises:
                UserError: what is stored is none.
            """
            thread = config["configurable"]["thread_id"]
            try:
                saved = super().get_tuple(config)
            except (ValueError, TypeError, RecursionError) as error:  # its metadata is JSON
                raise UserError(f"thread {thread[:80]!r} is damaged ({error}); {NEW_THREAD}") from error
            if saved is not None and not _is_checkpoint(saved.checkpoint):
                raise UserError(f"thread {thread[:80]!r} is damaged (it is no checkpoint); {NEW_THREAD}")
            return saved

    file = home / THREADS
    try:
        with closing(sqlite3.connect(private_file(file), timeout=LOCK_TIMEOUT, check_same_thread=False)) as connection:
            saver = Threads(connection, serde=plain_data())
            saver.setup()
            yield saver
    except (sqlite3.OperationalError, PermissionError) as error:
        raise UserError(
            f"{str(file)!r} can't be written ({error}); make room there, or choose another folder with --home DIR"
        ) from error
    except sqlite3.DatabaseError as error:
        raise UserError(f"{str(file)!r} is damaged ({error}); move it away, a new one is made then") from error


def _is_checkpoint(stored: object) -> bool:
    """Tell whether what was read has the shape of a checkpoint (LangGraph's ``Checkpoint``)."""
    tables = ("channel_values", "channel_versions", "versions_seen")
    return (
        isinstance(stored, dict)
        and isinstance(stored.get("id"), str)
        and all(isinstance(stored.get(name), dict) for name in tables)
        and all(isinstance(seen, dict) for seen in stored["versions_seen"].values())
    )
