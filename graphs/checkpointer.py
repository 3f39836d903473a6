"""Where threads are kept: the one place that opens the checkpointer, and how checkpoints are read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagerag.store.file_errors import file_error
from imagerag.store.home import THREADS
from imagerag.store.sqlite import open_database

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.base import CheckpointTuple
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
    from langgraph.checkpoint.sqlite import SqliteSaver

NEEDED = frozenset({"id", "channel_values", "channel_versions", "versions_seen"})
"""What every checkpoint of LangGraph's has."""
DAMAGED = "move it away to begin new threads (images stay), or restore it from a copy"
DAMAGED_THREAD = "a checkpoint in it can't be read; go on in another thread with --thread NAME, the others are whole"


def plain_data(file: Path | None = None) -> JsonPlusSerializer:
    """Return what writes and reads checkpoints: plain data, and messages. A damaged one is a ``FileError``.

    LangGraph's own default calls whatever a checkpoint names, ``os.system`` among it, and a data directory may be
    somebody else's. Here what is not on LangGraph's list of harmless types comes back as the data that would have been
    handed to it, and LangGraph logs a warning that names it.
    """
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

    class Checked(JsonPlusSerializer):
        def loads_typed(self, data: tuple[str, bytes]) -> Any:
            try:
                return super().loads_typed(data)
            except Exception as error:  # whatever decoders raise on what isn't theirs
                raise file_error(file or THREADS, error, verb="read", damaged=DAMAGED_THREAD) from error

    return Checked(allowed_msgpack_modules=None)


@contextmanager
def open_checkpointer(home: Path) -> Iterator[SqliteSaver]:
    """Keep the threads of a data directory open for the length of a ``with`` block.

    Raises:
        FileError: the file can't be opened, or what is done in the block can't be written to it. What goes wrong in
            the block with other files is theirs, and passes through.
    """
    from langgraph.checkpoint.sqlite import SqliteSaver

    file = home / THREADS

    class CheckedSaver(SqliteSaver):
        def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
            found = super().get_tuple(config)
            if found is not None and not found.checkpoint.keys() >= NEEDED:
                lack = ValueError(f"it lacks {', '.join(sorted(NEEDED - found.checkpoint.keys()))}")
                raise file_error(file, lack, verb="read", damaged=DAMAGED_THREAD)
            return found

    with closing(open_database(file, damaged=DAMAGED)) as connection:
        saver = CheckedSaver(connection, serde=plain_data(file))
        saver.setup()
        yield saver
