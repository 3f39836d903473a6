"""Whose image is which, and what each run has told: kept in one file beside the threads.

Every image that leaves by an interface has an unguessable id, an owner and a place in a thread.
"""

import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

from imagerag.records import ImageRecord, ReferenceRecord
from imagerag.server.database_file import DatabaseFile, readable

ANONYMOUS = "anonymous"
"""The client who stands for all that come without a key, where that is allowed. Nobody can tell them apart, so none of
them is shown a list."""

FILE = "doors.sqlite"
"""In the data directory, beside the threads."""

Kind = Literal["image", "retrieved", "subject", "fetched"]

TABLES = {
    "entries": """
  id TEXT PRIMARY KEY, client TEXT NOT NULL, thread TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,
  sha256 TEXT NOT NULL, title TEXT NOT NULL, checkpoint TEXT, created REAL NOT NULL,
  UNIQUE (client, thread, name, sha256)
""",
    "runs": """
  id TEXT PRIMARY KEY, client TEXT NOT NULL, thread TEXT NOT NULL, turn INTEGER NOT NULL, asks INTEGER NOT NULL,
  created REAL NOT NULL, told TEXT NOT NULL
""",
    "responses": """
  id TEXT PRIMARY KEY, client TEXT NOT NULL, run TEXT NOT NULL, thread TEXT NOT NULL, checkpoint TEXT,
  shown INTEGER NOT NULL, created REAL NOT NULL, body TEXT NOT NULL
""",
    "labels": """
  client TEXT NOT NULL, thread TEXT NOT NULL, title TEXT NOT NULL, favourite INTEGER NOT NULL,
  PRIMARY KEY (client, thread)
""",
    "embeddings": """
  model TEXT NOT NULL, sha256 TEXT NOT NULL, embedding BLOB NOT NULL, PRIMARY KEY (model, sha256)
""",
}
RESPONSES_KEPT = 30 * 24 * 3600.0
"""Seconds for which an answer of ``/v1/responses`` can be asked for again and gone on from."""
_COLUMNS = "id, client, thread, name, kind, sha256, title, checkpoint, created"


@dataclass(frozen=True)
class Entry:
    """One image of one client.

    Attributes:
        id: 128 random bits; knowing it is the right to see the image, for browsers can't send a token with a picture.
        client: the owner.
        thread: the conversation it belongs to; empty for an upload.
        name: its id within the thread, such as ``image-1``; the file's name for an upload.
        kind: made here, looked up in the library, or the person's own.
        sha256: where its pixels are.
        title: what it shows, in words.
        checkpoint: state of the thread right after the turn that made it; going on from there is a branch.
        created: seconds since the epoch.
    """

    id: str
    client: str
    thread: str
    name: str
    kind: Kind
    sha256: str
    title: str
    checkpoint: str | None
    created: float


@dataclass(frozen=True)
class RunLog:
    """What a run has told, kept so that it can be told again: after a reload, and after a restart.

    Attributes:
        id, client, thread: the run's.
        turn: which turn of the thread it was, from 1.
        asks: it waits for the person's word; else it has ended.
        told: as JSON takes it: ``request``, ``events``, and how it ended or what it asks.
        created: seconds since the epoch, of this run_log.
    """

    id: str
    client: str
    thread: str
    turn: int
    asks: bool
    told: dict[str, Any]
    created: float


@dataclass(frozen=True)
class StoredResponse:
    """An answer of ``/v1/responses``, kept to be asked for again and to be gone on from.

    Attributes:
        id, client: its own, and whose it is.
        run: the run behind it; empty where nothing was drawn.
        thread, checkpoint: the state of the conversation that it left; an empty thread where there is none.
        shown: whether it can be asked for; one with ``store`` false can be gone on from by its items alone.
        created: seconds since the epoch.
        body: as JSON takes it.
    """

    id: str
    client: str
    run: str
    thread: str
    checkpoint: str | None
    shown: bool
    created: float
    body: dict[str, Any]


class Database:
    """The entries of a data directory, and what its runs have told, in one SQLite file.

    Any number of threads and processes may use it. What can't be written is kept in memory; what reads raises
    ``DatabaseFailed`` where the file can't be read. A row that makes no sense is left out, and the log tells so.

    Raises:
        FileError: the file can't be opened, is damaged, or has tables of another shape.
    """

    def __init__(self, home: Path) -> None:
        self.file = DatabaseFile(home / FILE, TABLES)

    @property
    def failing(self) -> str | None:
        """What is to be told while the file can't be used; ``None`` while it can."""
        return self.file.failing

    def enter(
        self,
        client: str,
        thread: str,
        records: Sequence[ImageRecord | ReferenceRecord],
        checkpoint: str | None = None,
    ) -> dict[str, Entry]:
        """Enter images and references of a thread; one that is there keeps its id. Returns the entries by name."""
        return {
            record["id"]: self._put(
                client,
                thread,
                record["id"],
                cast("Kind", record.get("kind", "image")),
                record["sha256"],
                str(record.get("title") or record.get("prompt", "")),
                checkpoint,
            )
            for record in records
        }

    def upload(self, client: str, name: str, sha256: str) -> Entry:
        """Enter a picture that a client sent."""
        return self._put(client, "", f"{secrets.token_hex(4)}-{name}", "subject", sha256, name, None)

    def find(self, entry_id: str, client: str | None = None) -> Entry | None:
        """Return the entry of that id, if there is one and it is the client's own (any client's when ``None``)."""
        row = next(iter(self.file.rows(f"SELECT {_COLUMNS} FROM entries WHERE id = ?", (entry_id,))), None)
        entry = Entry(*row) if row else None
        return entry if entry and client in (None, entry.client) else None

    def latest(self, client: str, limit: int = 100) -> list[Entry]:
        """Return a client's newest entries, newest first; looked-up references are left out."""
        return self.listed(client, limit)

    def listed(
        self,
        client: str,
        limit: int,
        *,
        uploads: bool | None = None,
        oldest_first: bool = False,
        after: Entry | None = None,
    ) -> list[Entry]:
        """Return a client's entries in the order in which they were entered; looked-up references are left out.

        Not by their times: after the clock was set back, what is new would be older than all before.

        Args:
            limit: the most entries.
            uploads: those alone that the client sent (``True``), or that were made here (``False``).
            oldest_first: in that order, instead of newest first.
            after: the entry after which the list begins.
        """
        values: list[Any]
        where, values = "client = ? AND kind != 'retrieved'", [client]
        if uploads is not None:
            where += " AND kind = 'subject'" if uploads else " AND kind != 'subject'"
        if after is not None:
            where += f" AND rowid {'>' if oldest_first else '<'} (SELECT rowid FROM entries WHERE id = ?)"
            values.append(after.id)
        order = "ASC" if oldest_first else "DESC"
        query = f"SELECT {_COLUMNS} FROM entries WHERE {where} ORDER BY rowid {order} LIMIT ?"
        rows = self.file.rows(query, (*values, limit))
        return [Entry(*row) for row in rows]

    def threads(self, client: str, limit: int = 100) -> list[tuple[str, str]]:
        """Return a client's conversations, the one last drawn in first: names, and what was first asked for; none of
        those of clients who can't be told apart.
        """
        if client == ANONYMOUS:
            return []
        query = (
            "SELECT thread, (SELECT title FROM entries AS first WHERE first.client = entries.client AND "
            "first.thread = entries.thread AND first.kind = 'image' ORDER BY rowid LIMIT 1) FROM entries "
            "WHERE client = ? AND thread != '' AND kind = 'image' GROUP BY thread ORDER BY max(rowid) DESC LIMIT ?"
        )
        return [(str(thread), str(title)) for thread, title in self.file.rows(query, (client, limit))]

    def forget(self, entry_id: str, client: str) -> bool:
        """Delete a client's entry; tell whether there was one. Its image is ``Service.forget``'s."""
        return self.file.change(("DELETE FROM entries WHERE id = ? AND client = ?", (entry_id, client))) > 0

    def keep(self, run_log: RunLog) -> None:
        """Keep what a run has told, instead of what it, or an earlier run of that turn, told before."""
        place = (run_log.id, run_log.client, run_log.thread, run_log.turn)
        self.file.change(
            ("DELETE FROM runs WHERE id = ? OR (client = ? AND thread = ? AND turn = ?)", place),
            (
                "INSERT INTO runs (id, client, thread, turn, asks, created, told) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (*place, run_log.asks, run_log.created, json.dumps(run_log.told)),
            ),
        )

    def told(self, client: str, thread: str) -> dict[int, RunLog]:
        """Return what the ended runs of a client's thread have told, by turn."""
        found = self._run_logs("client = ? AND thread = ? AND NOT asks", client, thread)
        return {run_log.turn: run_log for run_log in found}

    def last_told(self, client: str, thread: str) -> RunLog | None:
        """Return what the last run of a client's thread has told, one that waits for an answer included."""
        where = "client = ? AND thread = ? AND turn = (SELECT max(turn) FROM runs WHERE client = ? AND thread = ?)"
        return next(iter(self._run_logs(where, client, thread, client, thread)), None)

    def asking(self, since: float) -> list[RunLog]:
        """Return the runs that wait for somebody's word, and have begun to since then (seconds since the epoch)."""
        return self._run_logs("asks AND created >= ?", since)

    def copy_told(self, client: str, thread: str, name: str) -> None:
        """Let another thread, which is a copy of this one, have told the same."""
        for run_log in self.told(client, thread).values():
            self.keep(replace(run_log, id=secrets.token_urlsafe(16), thread=name))

    def forget_told(self, client: str, thread: str, turn: int) -> None:
        """Forget what was told in a thread from that turn on."""
        self.file.change(
            ("DELETE FROM runs WHERE client = ? AND thread = ? AND turn >= ?", (client, thread, turn)),
        )

    def keep_response(self, response: StoredResponse) -> None:
        """Keep an answer of ``/v1/responses``, and forget those that are too old."""
        values = (response.id, response.client, response.run, response.thread, response.checkpoint, response.shown)
        self.file.change(
            ("DELETE FROM responses WHERE created < ?", (time.time() - RESPONSES_KEPT,)),
            (
                "INSERT INTO responses (id, client, run, thread, checkpoint, shown, created, body) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (*values, response.created, json.dumps(response.body)),
            ),
        )

    def end_response(self, response_id: str, thread: str, checkpoint: str | None, body: dict[str, Any]) -> None:
        """Keep how an answer ended, unless it has been deleted meanwhile."""
        self.file.change(
            (
                "UPDATE responses SET thread = ?, checkpoint = ?, body = ? WHERE id = ?",
                (thread, checkpoint, json.dumps(body), response_id),
            )
        )

    def response(self, response_id: str, client: str) -> StoredResponse | None:
        """Return a client's own answer of ``/v1/responses``."""
        query = (
            "SELECT id, client, run, thread, checkpoint, shown, created, body FROM responses "
            "WHERE id = ? AND client = ?"
        )
        row = next(iter(self.file.rows(query, (response_id, client))), None)
        found: list[StoredResponse] = readable([row] if row else [], _stored_response, "the stored response")
        return found[0] if found else None

    def forget_response(self, response_id: str, client: str) -> bool:
        """Delete a client's own answer of ``/v1/responses``; tell whether there was one."""
        return self.file.change(("DELETE FROM responses WHERE id = ? AND client = ?", (response_id, client))) > 0

    def _run_logs(self, where: str, *values: Any) -> list[RunLog]:
        query = f"SELECT id, client, thread, turn, asks, told, created FROM runs WHERE {where} ORDER BY rowid"
        rows = self.file.rows(query, values)
        return readable(rows, _run_log, "the stored run")

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    def _put(
        self, client: str, thread: str, name: str, kind: Kind, sha256: str, title: str, checkpoint: str | None
    ) -> Entry:
        values = (secrets.token_hex(16), client, thread, name, kind, sha256, title[:200], checkpoint, time.time())
        self.file.change(
            (
                f"INSERT INTO entries ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (client, thread, name, sha256) DO UPDATE SET "
                "checkpoint = coalesce(excluded.checkpoint, checkpoint)",
                values,
            )
        )
        row = self.file.rows(
            f"SELECT {_COLUMNS} FROM entries WHERE client = ? AND thread = ? AND name = ? AND sha256 = ?",
            (client, thread, name, sha256),
        )[0]
        return Entry(*row)


def _object(text: str) -> dict[str, Any]:
    content = json.loads(text)
    if not isinstance(content, dict):
        raise ValueError(f"{str(content)[:40]!r} is no JSON object")
    return content


def _run_log(row: Sequence[Any]) -> RunLog:
    name, client, thread, turn, asks, told, created = row
    return RunLog(str(name), str(client), str(thread), int(turn), bool(asks), _object(told), float(created))


def _stored_response(row: Sequence[Any]) -> StoredResponse:
    name, owner, run, thread, checkpoint, shown, created, body = row
    return StoredResponse(name, owner, run, thread, checkpoint, bool(shown), created, _object(body))
