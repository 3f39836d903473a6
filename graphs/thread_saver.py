"""The checkpointer of ``threads.sqlite``: LangGraph's for SQLite, with what many turns and a wrong clock need besides.

A thread's lists (messages, images, trace ...) only grow, and each checkpoint has them whole: stored as they come, they
would take space by the square of the turns. So each element is stored once, and a checkpoint has the numbers of its
elements. LangGraph's own ``DeltaChannel`` would do the like, but is a beta, and a change of the state for every other
checkpointer, too.
"""

import builtins
import hashlib
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata, CheckpointTuple
from langgraph.checkpoint.sqlite import SqliteSaver

from imagerag.graphs.checkpoint_format import ELEMENTS, PlainData, damaged_thread, lacking_in, numbers_in, ranges_of
from imagerag.graphs.state_shape import fault_in_state
from imagerag.graphs.stored_paths import paths_within

_PENDING = ("branch:", "__start__", "__pregel")
"""Begin the names of the channels that say which node comes next."""
_NOT_TAKEN_UP = frozenset({"__start__", "branch:to:intake"})
"""Channels of a checkpoint behind which a request has yet to become a turn."""

_LATER, _NOW = "PRAGMA synchronous=NORMAL", "PRAGMA synchronous=FULL"
"""When a commit reaches the disk: with the next one that does, or at once (sqlite.org/pragma.html#pragma_synchronous).

A killed process loses nothing by either. Within a run nobody waits for the disk, which takes longer than a denoising
step; after a power failure the thread is as it was at an earlier step of the run, or before it. What ends a run, and
whatever else is done to a thread, has reached the disk when it is told.
"""

_TABLE = """
CREATE TABLE IF NOT EXISTS elements (
  id INTEGER PRIMARY KEY, thread_id TEXT NOT NULL, digest BLOB NOT NULL, type TEXT NOT NULL, value BLOB NOT NULL,
  UNIQUE (thread_id, digest)
)
"""


class ThreadSaver(SqliteSaver):
    """Keeps the threads of a data directory.

    Args:
        connection: to its ``threads.sqlite``.
        file: that it leads to, in the data directory.
    """

    def __init__(self, connection: sqlite3.Connection, file: Path) -> None:
        super().__init__(connection, serde=PlainData(file))
        self.home = file.parent
        self._file = file
        self._numbered = _Numbered()
        self._within_transaction = False
        self.lock = threading.RLock()  # type: ignore[assignment] # what is read here is read in one transaction

    def setup(self) -> None:
        """See ``SqliteSaver.setup``."""
        if not self.is_setup:
            super().setup()
            self.conn.execute(_TABLE)
            self.conn.execute(_LATER)

    @contextmanager
    def cursor(self, transaction: bool = True) -> Iterator[sqlite3.Cursor]:
        """See ``SqliteSaver.cursor``, which ends a transaction; here one that is part of a larger one doesn't."""
        with self.lock, super().cursor(transaction and not self._within_transaction) as cursor:
            yield cursor

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """See ``SqliteSaver.get_tuple``. The newest checkpoint is the one written last.

        LangGraph takes the one with the greatest id, and ids tell the time: after the clock was set back, every turn
        would be older than those before.
        """
        asked = config["configurable"]
        with self._reading():
            checkpoint_id = asked.get("checkpoint_id") or self._newest(
                str(asked["thread_id"]), asked.get("checkpoint_ns", "")
            )
            if not checkpoint_id:
                return None
            try:
                found = super().get_tuple(
                    {
                        "configurable": {
                            "thread_id": str(asked["thread_id"]),
                            "checkpoint_ns": asked.get("checkpoint_ns", ""),
                            "checkpoint_id": checkpoint_id,
                        }
                    }
                )
            except (ValueError, TypeError, RecursionError) as error:  # its metadata is JSON
                raise damaged_thread(self._file, error) from error
            if found is not None and (lack := lacking_in(found.checkpoint)):
                raise damaged_thread(self._file, ValueError(lack))
            return found and found._replace(checkpoint=self._checked(found.checkpoint))

    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """See ``SqliteSaver.list``; the one written last comes first, and ``before`` means written before."""
        end = None if before is None else cast("str | None", before["configurable"].get("checkpoint_id"))
        one_place = super().list
        with self._reading():
            rows = self.conn.execute(
                "SELECT thread_id, checkpoint_ns, checkpoint_id FROM checkpoints ORDER BY rowid DESC"
            ).fetchall()
        wanted = {} if config is None else config["configurable"]
        passed = end is None
        found = 0
        for thread, namespace, name in rows:
            if str(wanted.get("thread_id", thread)) != thread or wanted.get("checkpoint_ns", namespace) != namespace:
                continue
            if not passed:
                passed = name == end
                continue
            if wanted.get("checkpoint_id", name) != name:
                continue
            if limit is not None and found >= limit:
                return
            place: RunnableConfig = {
                "configurable": {"thread_id": thread, "checkpoint_ns": namespace, "checkpoint_id": name}
            }
            with self._reading():
                read = [
                    one._replace(checkpoint=self._checked(one.checkpoint)) for one in one_place(place, filter=filter)
                ]
            found += len(read)
            yield from read

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """See ``SqliteSaver.put``."""
        thread = str(config["configurable"]["thread_id"])
        values = checkpoint["channel_values"]
        lists = {name: value for name, value in values.items() if isinstance(value, list) and value}
        begins = metadata.get("source") != "loop"
        with self._writing(at_once=metadata.get("source") not in ("loop", "input")):
            self._numbered.follow(thread, self.conn.execute("PRAGMA data_version").fetchone()[0], begins)
            numbers = {name: ranges_of(self._number(thread, one) for one in value) for name, value in lists.items()}
            rest = {name: value for name, value in values.items() if name not in lists}
            stored = {**checkpoint, "channel_values": rest, ELEMENTS: numbers}
            return super().put(config, cast("Checkpoint", stored), metadata, new_versions)

    def delete_thread(self, thread_id: str) -> None:
        """See ``SqliteSaver.delete_thread``."""
        with self._writing():
            self.conn.execute("DELETE FROM elements WHERE thread_id = ?", (str(thread_id),))
            super().delete_thread(thread_id)

    def rename_thread(self, thread_id: str, name: str) -> None:
        """Let a thread have another name, which no other thread may have."""
        with self._writing():
            self._numbered = _Numbered()
            for table in ("checkpoints", "writes", "elements"):
                self.conn.execute(f"UPDATE {table} SET thread_id = ? WHERE thread_id = ?", (name, str(thread_id)))

    def drop_superseded(self, thread_id: str) -> int:
        """Delete the checkpoints within the turns that led to the newest one, if that ends a turn; return how many.

        The ends of turns stay: a conversation branches from them, and is taken back to them. So does every checkpoint
        of a turn that has not ended, or on the way to which another one did.
        """
        thread = str(thread_id)
        with self._writing():
            head = self._newest(thread, "")
            if head is None:
                return 0
            # A transaction that changes nothing would not bring to the disk what the run has committed before.
            self.conn.execute("UPDATE checkpoints SET checkpoint_id = ? WHERE checkpoint_id = ?", (head, head))
            if not self._is_end(thread, head):
                return 0
            dropped, name, seen = 0, head, {head}
            while True:
                between, end = self._until_end(thread, name, seen)
                for one in between:
                    self._drop(thread, one, end)
                dropped += len(between)
                # Behind an end that comes right after another one, an earlier call has been.
                if end is None or (not between and name != head):
                    break
                name = end
            if dropped:
                self._sweep(thread)
            return dropped

    def drop_refused(self, thread_id: str) -> int:
        """Delete the newest checkpoints that hold a request which no turn has taken up; return how many.

        Its pictures, mask and words would be those of the next request otherwise.
        """
        thread, dropped = str(thread_id), 0
        with self._writing():
            while (head := self._newest(thread, "")) is not None and self._channels(thread, head) & _NOT_TAKEN_UP:
                self._drop(thread, head, None)
                dropped += 1
            if dropped:
                self._sweep(thread)
        return dropped

    def _drop(self, thread: str, name: str, end: str | None) -> None:
        """Delete a checkpoint; those that came from it come from ``end`` now."""
        place = (thread, name)
        self.conn.execute(
            "UPDATE checkpoints SET parent_checkpoint_id = ? WHERE thread_id = ? AND checkpoint_ns = '' "
            "AND parent_checkpoint_id = ?",
            (end, *place),
        )
        for table in ("checkpoints", "writes"):
            self.conn.execute(
                f"DELETE FROM {table} WHERE thread_id = ? AND checkpoint_ns = '' AND checkpoint_id = ?", place
            )

    def _sweep(self, thread: str) -> None:
        """Delete the elements that no checkpoint of the thread has any more."""
        kept: set[int] = set()
        for stored in self.conn.execute("SELECT type, checkpoint FROM checkpoints WHERE thread_id = ?", (thread,)):
            for ranges in self._sound(stored).get(ELEMENTS, {}).values():
                kept.update(numbers_in(ranges))
        self._numbered = _Numbered()
        there = {number for (number,) in self.conn.execute("SELECT id FROM elements WHERE thread_id = ?", (thread,))}
        self.conn.executemany("DELETE FROM elements WHERE id = ?", [(number,) for number in there - kept])

    def _until_end(self, thread: str, name: str, seen: set[str]) -> tuple[Sequence[str], str | None]:
        """Return the ancestors of a checkpoint up to the next that ends a turn, and that; ``None`` if there is none.

        Raises:
            FileError: one of them is in ``seen``, to which they are added.
        """
        between: builtins.list[str] = []
        while (parent := self._parent(thread, name)) is not None:
            self._check_new(parent, seen)
            if self._is_end(thread, parent):
                break
            between.append(parent)
            name = parent
        return between, parent

    def ancestry(self, config: RunnableConfig) -> Iterator[CheckpointTuple]:
        """Yield a checkpoint, the one that it came from, and so on; those of a thread, the newest first.

        Raises:
            FileError: one is damaged, or came from itself by way of others: nobody would come to an end with it.
        """
        seen: set[str] = set()
        at = self.get_tuple(config)
        while at is not None:
            self._check_new(str(at.config["configurable"]["checkpoint_id"]), seen)
            yield at
            at = self.get_tuple(at.parent_config) if at.parent_config else None

    def _check_new(self, name: str, seen: set[str]) -> None:
        if name in seen:
            raise damaged_thread(self._file, ValueError("a checkpoint came from itself"))
        seen.add(name)

    def _parent(self, thread: str, name: str) -> str | None:
        row = self.conn.execute(
            "SELECT parent.checkpoint_id FROM checkpoints JOIN checkpoints AS parent ON "
            "parent.thread_id = checkpoints.thread_id AND parent.checkpoint_ns = checkpoints.checkpoint_ns "
            "AND parent.checkpoint_id = checkpoints.parent_checkpoint_id "
            "WHERE checkpoints.thread_id = ? AND checkpoints.checkpoint_ns = '' AND checkpoints.checkpoint_id = ?",
            (thread, name),
        ).fetchone()
        return None if row is None else str(row[0])

    def _is_end(self, thread: str, name: str) -> bool:
        """Tell whether nothing is left to be done behind a checkpoint."""
        return not any(channel.startswith(_PENDING) for channel in self._channels(thread, name))

    def _channels(self, thread: str, name: str) -> frozenset[str]:
        """Return the names of the channels that have a value in a checkpoint."""
        row = self.conn.execute(
            "SELECT type, checkpoint FROM checkpoints WHERE thread_id = ? AND checkpoint_ns = '' AND checkpoint_id = ?",
            (thread, name),
        ).fetchone()
        return frozenset() if row is None else frozenset(self._sound(row)["channel_values"])

    def _sound(self, row: tuple[str, bytes]) -> dict[str, Any]:
        """Return what a row stores.

        Raises:
            FileError: it is damaged, or something else than a checkpoint.
        """
        stored = self.serde.loads_typed(row)
        if lack := lacking_in(stored):
            raise damaged_thread(self._file, ValueError(lack))
        return cast("dict[str, Any]", stored)

    def _newest(self, thread: str, namespace: str) -> str | None:
        row = self.conn.execute(
            "SELECT checkpoint_id FROM checkpoints WHERE thread_id = ? AND checkpoint_ns = ? "
            "ORDER BY rowid DESC LIMIT 1",
            (thread, namespace),
        ).fetchone()
        return None if row is None else str(row[0])

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Read in one transaction: another process may drop meanwhile what a checkpoint that was read refers to."""
        with self.lock:
            self.setup()
            if self.conn.in_transaction:
                yield
                return
            self.conn.execute("BEGIN")
            try:
                yield
            finally:
                self.conn.rollback()

    @contextmanager
    def _writing(self, *, at_once: bool = True) -> Iterator[None]:
        """Write in one transaction, so that no other process sweeps away what is not referred to yet.

        Args:
            at_once: it is on the disk at the end.
        """
        with self.lock:
            self.setup()
            if at_once:
                self.conn.execute(_NOW)
            self.conn.execute("BEGIN IMMEDIATE")
            self._within_transaction = True
            try:
                yield
                self.conn.commit()
            except BaseException:
                self._numbered = _Numbered()
                self.conn.rollback()
                raise
            finally:
                self._within_transaction = False
                if at_once:
                    self.conn.execute(_LATER)

    def _number(self, thread: str, value: Any) -> int:
        """Return the number of a list's element, which is stored if it is new."""
        number = self._numbered.find(value)
        if number is None:
            number = self._stored(thread, value)
            self._numbered.enter(value, number)
        return number

    def _stored(self, thread: str, value: Any) -> int:
        kind, data = self.serde.dumps_typed(value)
        key = (thread, hashlib.sha256(kind.encode() + b"\n" + data).digest())
        found = self.conn.execute("SELECT id FROM elements WHERE thread_id = ? AND digest = ?", key).fetchone()
        if found is None:
            values = (*key, kind, data)
            entered = "INSERT INTO elements (thread_id, digest, type, value) VALUES (?, ?, ?, ?)"
            return int(self.conn.execute(entered, values).lastrowid or 0)
        return int(found[0])

    def _checked(self, checkpoint: Checkpoint) -> Checkpoint:
        """Return a checkpoint with its lists.

        Raises:
            FileError: it does not hold what a thread's state holds.
        """
        whole = self._whole(checkpoint)
        if fault := fault_in_state(whole["channel_values"]):
            raise damaged_thread(self._file, ValueError(fault))
        return whole

    def _whole(self, checkpoint: Checkpoint) -> Checkpoint:
        """Return a checkpoint with its lists in place; one of an earlier version has them."""
        stored = cast("dict[str, Any]", checkpoint)
        elements = stored.get(ELEMENTS, {})
        lists = {name: [self._element(number) for number in numbers_in(one)] for name, one in elements.items()}
        rest = {key: value for key, value in stored.items() if key != ELEMENTS}
        values = paths_within({**stored["channel_values"], **lists}, self.home)
        return cast("Checkpoint", {**rest, "channel_values": values})

    def _element(self, number: int) -> Any:
        row = self.conn.execute("SELECT type, value FROM elements WHERE id = ?", (number,)).fetchone()
        if row is None:
            raise damaged_thread(self._file, ValueError(f"element {number} of a thread is missing"))
        return self.serde.loads_typed(row)


class _Numbered:
    """The numbers of the objects in one run's lists, most of which are in every checkpoint: they are not packed again.

    That holds as LangGraph's own versions of channels do: what is in the state is replaced, and never changed in place.
    """

    def __init__(self) -> None:
        self._of: tuple[str, int] | None = None
        self._known: dict[int, tuple[Any, int]] = {}

    def follow(self, thread: str, version: int, begins: bool) -> None:
        """Forget all where a run begins, or another connection has written: it may have deleted some of them."""
        if begins or self._of != (thread, version):
            self._of, self._known = (thread, version), {}

    def find(self, value: Any) -> int | None:
        found = self._known.get(id(value))
        return found[1] if found is not None and found[0] is value else None

    def enter(self, value: Any, number: int) -> None:
        self._known[id(value)] = (value, number)
