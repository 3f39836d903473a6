"""The conversations of one client as a whole: listed, shown turn by turn, renamed and deleted.

No graph is built for that, and no model is loaded: everything is in the files of the data directory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, cast

from imagerag.errors import UserError
from imagerag.graphs.checkpointer import open_checkpointer
from imagerag.graphs.state_queries import images_of_turn, is_request, used_references
from imagerag.graphs.thread_cleaning import thread_names
from imagerag.graphs.thread_lock import UPDATE_WAIT, holding, log_note
from imagerag.records import ImageRecord, ReferenceRecord, StopReason
from imagerag.server.database import FILE
from imagerag.server.stored_references import open_file
from imagerag.server.thread_history import LOCAL, Threads, thread_name
from imagerag.store.home import THREADS

if TYPE_CHECKING:
    from imagerag.graphs.thread_saver import ThreadSaver
    from imagerag.server.database_file import DatabaseFile

_ROWS = ("entries", "runs", "responses", "labels")
"""Tables of the servers' database that name a conversation."""


@dataclass(frozen=True)
class Conversation:
    """One conversation, as a list shows it.

    Attributes:
        name: by which it is gone on with.
        turns, images: how many there are.
        prompt: what was last asked for, with earlier turns taken into account.
        last: when it was last gone on with, in UTC.
    """

    name: str
    turns: int
    images: int
    prompt: str
    last: datetime


class Turn(TypedDict):
    """One turn of a conversation."""

    turn: int
    request: str
    """In the person's words."""
    prompt: str
    """The whole of what was asked for, with earlier turns taken into account."""
    images: list[ImageRecord]
    best: str | None
    """Id of the image that the turn returned."""
    references: list[ReferenceRecord]
    stop_reason: StopReason | None
    seconds: float | None


class Conversations:
    """The conversations of a client in one data directory.

    Args:
        saver: the checkpointer.
        database: what servers know of them; ``None`` where no server has ever run.
        client: whose they are; the command line's unless given.
    """

    def __init__(self, saver: ThreadSaver, database: DatabaseFile | None, client: str = LOCAL) -> None:
        self._saver = saver
        self._database = database
        self._client = client

    def all(self) -> list[Conversation]:
        """Return all of them, the one last gone on with first.

        Raises:
            FileError: one of them is damaged.
        """
        found = [self._summary(name) for name in self._names()]
        return sorted((one for one in found if one is not None), key=lambda one: one.last, reverse=True)

    def turns(self, name: str) -> list[Turn]:
        """Return the turns of a conversation, in order.

        Raises:
            UserError: there is none of that name.
            FileError: it is damaged.
        """
        self._check(name)
        ends: dict[int, Mapping[str, Any]] = {}
        newest: Mapping[str, Any] = {}
        for at in self._saver.ancestry(self._config(name)):
            values = at.checkpoint["channel_values"]
            newest = newest or values
            ends.setdefault(values.get("turn", 0), values)
        requests = [message for message in newest.get("messages", ()) if is_request(message)]
        return [
            _turn(number, ends.get(number), newest, str(requests[number - 1].text) if number <= len(requests) else "")
            for number in range(1, newest.get("turn", 0) + 1)
        ]

    def rename(self, name: str, new: str) -> None:
        """Give a conversation another name, under which it is gone on with in every door.

        Raises:
            UserError: there is none of that name, one of the new name, or a run of it is under way.
        """
        thread_name(new)
        self._check(name)
        with self._alone(name), self._alone(new):
            if new in self._names():
                raise UserError(f"there is a conversation {new!r} already; choose another name, or delete that one")
            self._saver.rename_thread(self._key(name), self._key(new))
            if self._database is not None:
                self._database.change(
                    *self._forgetting(new),  # what was told under that name belongs to a conversation that is gone
                    *(
                        (f"UPDATE {table} SET thread = ? WHERE client = ? AND thread = ?", (new, self._client, name))
                        for table in _ROWS
                    ),
                )

    def delete(self, name: str) -> None:
        """Delete a conversation. Its images stay until they are cleaned up (``imagerag gc``).

        Raises:
            UserError: there is none of that name, or a run of it is under way.
        """
        self._check(name)
        with self._alone(name):
            self._saver.delete_thread(self._key(name))
            if self._database is not None:
                self._database.change(*self._forgetting(name))

    def _names(self) -> list[str]:
        before = Threads.key(self._client, "")
        keys = (key for key in thread_names(self._saver) if key.startswith(before))
        return [name for key in keys if "/" not in (name := key[len(before) :])]

    def _check(self, name: str) -> None:
        if name not in self._names():
            raise UserError(f"there is no conversation {name[:80]!r}; those there are: imagerag threads list")

    def _summary(self, name: str) -> Conversation | None:
        newest = self._saver.get_tuple(self._config(name))
        if newest is None:
            return None
        values = newest.checkpoint["channel_values"]
        told = datetime.fromisoformat(newest.checkpoint["ts"])
        last = told.astimezone(UTC) if told.tzinfo else told.replace(tzinfo=UTC)
        images = len(values.get("all_images", ()))
        return Conversation(name, values.get("turn", 0), images, str(values.get("prompt", "")), last)

    def _forgetting(self, name: str) -> list[tuple[str, tuple[str, str]]]:
        return [(f"DELETE FROM {table} WHERE client = ? AND thread = ?", (self._client, name)) for table in _ROWS]

    def _key(self, name: str) -> str:
        return Threads.key(self._client, name)

    def _config(self, name: str) -> Any:
        return {"configurable": {"thread_id": self._key(name)}}

    def _alone(self, name: str) -> Any:
        return holding(self._saver.home, self._key(name), lambda: UPDATE_WAIT, lambda: None, log_note)


@contextmanager
def open_conversations(home: Path, client: str = LOCAL) -> Iterator[Conversations | None]:
    """Open the conversations of a data directory for the length of a ``with`` block; ``None`` where there are none.

    Raises:
        FileError: they can't be read, or what is changed can't be written.
    """
    if not (home / THREADS).is_file():
        yield None
        return
    with ExitStack() as opened:
        saver = opened.enter_context(open_checkpointer(home))
        database = opened.enter_context(closing(open_file(home))) if (home / FILE).is_file() else None
        yield Conversations(saver, database, client)


def _turn(number: int, end: Mapping[str, Any] | None, newest: Mapping[str, Any], request: str) -> Turn:
    """Return one turn; of one whose own end is not kept, as in a branch, what the thread's records tell."""
    images = images_of_turn(newest.get("all_images", []), number)
    if end is None:
        best = max(images, key=lambda record: record["score"] or 0.0, default=None)
        prompt, reason, seconds = best["prompt"] if best else request, None, None
    else:
        best, prompt = end.get("image"), str(end.get("prompt", request))
        reason, seconds = cast("StopReason | None", end.get("stop_reason")), end.get("seconds")
    return {
        "turn": number,
        "request": request,
        "prompt": prompt,
        "images": images,
        "best": best["id"] if best else None,
        "references": used_references(images, newest.get("all_references", [])),
        "stop_reason": reason,
        "seconds": seconds,
    }
