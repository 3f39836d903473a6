"""The threads of a server's clients: their states, and taking turns back."""

import hashlib
import re
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, cast

from imagerag.errors import UserError
from imagerag.graphs.thread_lock import UPDATE_WAIT, holding, log_note
from imagerag.server.database import ANONYMOUS, Database

if TYPE_CHECKING:
    from imagerag.graphs.assembly import Graph
    from imagerag.graphs.thread_saver import ThreadSaver

LOCAL = ""
"""The client who owns the data directory: stdio, the terminal. Threads are those of the command line."""

_THREAD = re.compile(r"[\w.-]{1,64}")
_DIGITS = 32
"""Hexadecimal digits of a secret: as many bits as an image's address has."""
_SECRET = re.compile(rf"-[0-9a-f]{{{_DIGITS}}}\Z")


class Threads:
    """The threads in one data directory.

    Args:
        graph: whose threads they are.
        saver: its checkpointer.
        database: what was told in them.
    """

    def __init__(self, graph: "Graph", saver: "ThreadSaver", database: Database) -> None:
        self._graph = graph
        self._saver = saver
        self._database = database

    def state(self, client: str, thread: str, checkpoint: str | None = None) -> dict[str, Any]:
        """Return the state of a client's thread (``imagerag.graphs.state.State``); empty if there is none."""
        return cast("dict[str, Any]", self._graph.get_state(self.config(client, thread, checkpoint)).values)

    def undo(self, client: str, thread: str) -> str | None:
        """Take the last turn of a thread back, for good; what was drawn in it stays in the store.

        Returns:
            What the turn before was asked in; empty if there is none; ``None`` if there was nothing to take back.

        Raises:
            UserError: a run of the thread is under way.
        """
        with self.alone(client, thread):
            return self._undone(client, thread)

    def _undone(self, client: str, thread: str) -> str | None:
        last: Any = self._graph.get_state(self.config(client, thread))
        turn = last.values.get("turn", 0)
        if not turn:
            return None
        before = self._before(last, turn)
        if before.values.get("turn", 0) >= turn or not before.values.get("turn"):
            self._saver.delete_thread(self.config(client, thread)["configurable"]["thread_id"])
            self._database.forget_told(client, thread, 1)
            return ""
        # A new head that is like the old one: later turns go on from there, in every door.
        self._graph.update_state(before.config, {"subjects": []}, as_node="finish")
        self._database.forget_told(client, thread, turn)
        return str(before.values["prompt"])

    def branch(self, client: str, thread: str, name: str) -> None:
        """Begin another thread with a copy of this one.

        Raises:
            UserError: this one is empty, or there is one of that name.
        """
        values = self.state(client, thread)
        if not values:
            raise UserError(f"conversation {thread!r} has no turn yet; draw something first")
        with self.alone(client, name):
            if self.state(client, name):
                raise UserError(f"there is a conversation {name!r} already; choose another name")
            self._graph.update_state(self.config(client, name), values, as_node="finish")
            self._database.copy_told(client, thread, name)

    def branch_before(self, client: str, thread: str, name: str, turn: int | None = None) -> None:
        """Begin another thread with a copy of this one as it was before a turn; an empty one before the first.

        Args:
            client: whose threads they are.
            thread: the one that is copied.
            name: of the copy.
            turn: from 1; the last one when ``None``.

        Raises:
            UserError: this one has no turn, or not that one, or there is one of that name.
        """
        last: Any = self._graph.get_state(self.config(client, thread))
        newest = last.values.get("turn", 0)
        if not newest:
            raise UserError(f"conversation {thread!r} has no turn yet; draw something first")
        turn = newest if turn is None else turn
        if not 1 <= turn <= newest:
            raise UserError(f"conversation {thread!r} has no turn {turn}; its turns are 1 to {newest}")
        before = self._before(last, turn)
        with self.alone(client, name):
            if self.state(client, name):
                raise UserError(f"there is a conversation {name!r} already; choose another name")
            if before.values.get("turn", 0) >= turn or not before.values.get("turn"):
                return
            self._graph.update_state(self.config(client, name), before.values, as_node="finish")
            self._database.copy_told(client, thread, name)
            self._database.forget_told(client, name, turn)

    def _before(self, last: Any, turn: int) -> Any:
        """Return the state before a turn, or the earliest there is.

        Raises:
            FileError: a checkpoint of the thread is damaged.
        """
        earliest = last.config
        for at in self._saver.ancestry(last.config):
            earliest = at.config
            if at.checkpoint["channel_values"].get("turn", 0) < turn:
                break
        return self._graph.get_state(earliest)

    def alone(
        self,
        client: str,
        thread: str,
        seconds: Callable[[], float] = lambda: UPDATE_WAIT,
        check: Callable[[], None] = lambda: None,
        tell: Callable[[str], None] = log_note,
    ) -> AbstractContextManager[None]:
        """Keep the command line, and other servers, from a thread for a ``with`` block; see ``holding``."""
        return holding(self._saver.home, self.key(client, thread), seconds, check, tell)

    @staticmethod
    def key(client: str, thread: str) -> str:
        """Return LangGraph's ``thread_id`` of a client's thread."""
        return thread if client == LOCAL else f"{client}/{thread}"

    def config(self, client: str, thread: str, checkpoint: str | None = None) -> Any:
        """Return LangGraph's config of a client's thread."""
        configurable = {"thread_id": self.key(client, thread)} | ({"checkpoint_id": checkpoint} if checkpoint else {})
        return {"configurable": configurable}


def thread_name(name: str, client: str = LOCAL, session: str = "") -> str:
    """Return the name of a client's thread, a new one if it is empty.

    Clients who bring no key can't be told apart, so that a name which another one may think of is no thread of theirs:
    each gets it with a secret at its end, by which alone the thread is found.

    Args:
        name: as the client gives it.
        client: whose thread it is.
        session: what only a client without a key knows, and sends with each request; the same name is the same thread
            within it. Without one, it is a new thread each time.

    Raises:
        UserError: it has other characters than letters, digits, ``_``, ``.`` and ``-``, or more than 64.
    """
    if name and not _THREAD.fullmatch(name):
        raise UserError(f"thread {name[:80]!r} is not a name; take up to 64 letters, digits, '_', '.' or '-'")
    if client != ANONYMOUS:
        return name or f"run-{secrets.token_hex(4)}"
    if _SECRET.search(name):
        return name
    known = hashlib.sha256(f"{session}/{name}".encode()).hexdigest() if session and name else secrets.token_hex(_DIGITS)
    return f"{(name or 'run')[: 64 - _DIGITS - 1]}-{known[:_DIGITS]}"
