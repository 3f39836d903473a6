"""Where threads are kept: the one place that opens the checkpointer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from imagerag.store.home import THREADS
from imagerag.store.sqlite import open_database

if TYPE_CHECKING:
    from imagerag.graphs.thread_saver import ThreadSaver

DAMAGED = "move it away to begin new threads (images stay), or restore it from a copy"


@contextmanager
def open_checkpointer(home: Path) -> Iterator[ThreadSaver]:
    """Keep the threads of a data directory open for the length of a ``with`` block.

    Raises:
        FileError: the file can't be opened, or what is done in the block can't be written to it. What goes wrong in
            the block with other files is theirs, and passes through.
    """
    from imagerag.graphs.thread_saver import ThreadSaver

    file = home / THREADS
    with closing(open_database(file, damaged=DAMAGED)) as connection:
        saver = ThreadSaver(connection, file)
        saver.setup()
        yield saver
