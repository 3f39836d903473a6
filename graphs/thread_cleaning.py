"""Which images threads refer to, which threads are old, and how they are forgotten."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from imagerag.errors import FileError, UserError
from imagerag.graphs.thread_lock import holding, log_note
from imagerag.graphs.thread_saver import ThreadSaver
from imagerag.store.garbage import addresses_in

_STORED = (("checkpoints", "checkpoint"), ("checkpoints", "metadata"), ("writes", "value"), ("elements", "value"))
"""Tables and columns with what a thread's state holds."""


class OldThread(NamedTuple):
    """A thread, and when it was last gone on with, in seconds since the epoch."""

    name: str
    last: float


def thread_names(saver: ThreadSaver) -> list[str]:
    """Return the names of all threads, as LangGraph's ``thread_id``."""
    return [str(name) for (name,) in saver.conn.execute("SELECT DISTINCT thread_id FROM checkpoints").fetchall()]


def referred_images(saver: ThreadSaver, without: Collection[str] = ()) -> set[str]:
    """Return the addresses of the images that checkpoints refer to, and other strings like them.

    Args:
        saver: the checkpointer.
        without: threads that don't count.
    """
    found: set[str] = set()
    for table, column in _STORED:
        for thread, stored in saver.conn.execute(f"SELECT thread_id, {column} FROM {table}"):
            if thread not in without:
                found.update(addresses_in(stored or b""))
    return found


def refers_to(saver: ThreadSaver, address: str) -> bool:
    """Tell whether any checkpoint of any thread refers to an image."""
    with saver.cursor(transaction=False) as cursor:
        return any(
            cursor.execute(f"SELECT 1 FROM {table} WHERE instr({column}, ?) LIMIT 1", (sought,)).fetchone()
            for table, column in _STORED
            for sought in (address.encode(), address)
        )


def old_threads(saver: ThreadSaver, before: float) -> Iterator[OldThread]:
    """Yield the threads that nobody has gone on with since a time; one that can't be read is none of them.

    Args:
        saver: the checkpointer.
        before: seconds since the epoch.
    """
    for name in thread_names(saver):
        try:
            newest = saver.get_tuple({"configurable": {"thread_id": name}})
        except FileError:
            continue
        if newest is None:
            continue
        last = datetime.fromisoformat(newest.checkpoint["ts"]).replace(tzinfo=UTC).timestamp()
        if last < before:
            yield OldThread(name, last)


def forget(saver: ThreadSaver, thread: str) -> bool:
    """Delete a thread; tell whether that could be done: not while a run of it is under way."""
    try:
        with holding(saver.home, thread, lambda: 0.0, lambda: None, log_note):
            saver.delete_thread(thread)
    except FileError:
        raise
    except UserError:
        return False
    return True


def drop_superseded(saver: ThreadSaver) -> int:
    """Delete the checkpoints within ended turns, which earlier versions kept, of all threads that nobody goes on with.

    Returns:
        How many there were.
    """
    dropped = 0
    for thread in thread_names(saver):
        try:
            with holding(saver.home, thread, lambda: 0.0, lambda: None, log_note):
                dropped += saver.drop_superseded(thread)
        except UserError:  # a run of it is under way, or it can't be read; it stays as it is
            continue
    return dropped
