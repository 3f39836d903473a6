"""Runs imagerag's commands for the torture script, disturbs them, and looks at what they leave behind."""

import multiprocessing
import os
import signal
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

PRELOADED = (
    "imagerag.cli.main", "imagerag.cli.draw", "imagerag.cli.index", "imagerag.cli.serve", "imagerag.graphs.agent_graph",
    "imagerag.index.user", "imagerag.server.app", "chromadb", "langgraph.checkpoint.sqlite", "pyarrow.parquet", "torch",
)  # fmt: skip
"""Imported once, in the process that all commands are forked from: alone that takes longer than a command."""
LONGEST = 60.0
"""Seconds that a command may take; more is a hang."""

_context: Any = multiprocessing.get_context("forkserver" if os.name == "posix" else "spawn")


class Outcome(NamedTuple):
    """How a command ended.

    Attributes:
        status: its exit status; negative: the signal that ended it; ``None``: it hung and was killed.
        output: what it wrote, both streams.
        seconds: that it took.
    """

    status: int | None
    output: str
    seconds: float

    @property
    def told(self) -> list[str]:
        """The lines in which it tells what went wrong."""
        return [line for line in self.output.splitlines() if line.startswith("imagerag: ")]


class Command:
    """A command that runs in a process of its own.

    Args:
        arguments: of ``imagerag``.
        log: file for what it writes.
        largest: bytes that a file may have, as on a disk that is full; no limit if ``None``.
    """

    def __init__(self, arguments: Sequence[str], log: Path, largest: int | None = None) -> None:
        _context.set_forkserver_preload(list(PRELOADED))
        self._log = log
        self._began = time.monotonic()
        self._process: Any = _context.Process(target=_run, args=(list(arguments), str(log), largest))
        self._process.start()

    @property
    def output(self) -> str:
        """What it has written so far."""
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""

    def send(self, number: int) -> None:
        """Send it a signal, if it still runs."""
        if self._process.is_alive():
            os.kill(self._process.pid, number)

    def wait(self, seconds: float = LONGEST) -> Outcome:
        """Wait for its end; one that takes longer has hung, and is killed."""
        self._process.join(seconds)
        hung = self._process.is_alive()
        if hung:
            self._process.kill()
            self._process.join()
        return Outcome(None if hung else self._process.exitcode, self.output, time.monotonic() - self._began)


def _run(arguments: list[str], log: str, largest: int | None) -> None:
    handle = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    for stream in (1, 2):
        os.dup2(handle, stream)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if largest is not None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))
    from imagerag.cli.main import run

    status = run(arguments)
    os._exit(status)  # forked from a process with libraries in it whose clean-up is not theirs


def run(arguments: Sequence[str], log: Path, largest: int | None = None) -> Outcome:
    """Run a command to its end."""
    return Command(arguments, log, largest).wait()


class Findings(NamedTuple):
    """What is wrong with a data directory, in words by kind."""

    lost: list[str]
    doubled: list[str]
    half: list[str]


def look_at(home: Path) -> Findings:
    """Look at all that a data directory holds: images, threads with their verdicts, and the shards of own pictures."""
    found = Findings([], [], [])
    _look_at_images(home, found)
    _look_at_threads(home, found)
    _look_at_shards(home, found)
    return found


def _look_at_images(home: Path, found: Findings) -> None:
    from imagerag.errors import UserError
    from imagerag.store.manifest import read_manifest
    from imagerag.store.png import is_whole_png

    for file in home.glob("images/*/*.png"):
        if not is_whole_png(file):
            found.half.append(f"{file.name} is not whole")
            continue
        try:
            read_manifest(file)
        except UserError as error:
            found.lost.append(f"manifest of {file.name}: {error}")


def _look_at_threads(home: Path, found: Findings) -> None:
    from imagerag.graphs.agent_graph import build_graph
    from imagerag.graphs.checkpointer import open_checkpointer
    from imagerag.store.images import ImageStore

    for name in ("threads.sqlite", "doors.sqlite"):
        if (home / name).exists():
            with closing(sqlite3.connect(home / name)) as database:
                verdict = database.execute("PRAGMA quick_check").fetchone()[0]
            if verdict != "ok":
                found.half.append(f"{name}: {verdict}")
    if not (home / "threads.sqlite").exists():
        return
    store = ImageStore(home)
    with open_checkpointer(home) as saver:
        graph = build_graph(checkpointer=saver)
        threads = {kept.config["configurable"]["thread_id"] for kept in saver.list(None)}
        for thread in threads:
            values = graph.get_state({"configurable": {"thread_id": thread}}).values
            records = values.get("all_images", [])
            names = [record["id"] for record in records]
            found.doubled.extend(f"{thread}: {name}" for name in {name for name in names if names.count(name) > 1})
            for record in records:
                if record["sha256"] not in store:
                    found.lost.append(f"{thread}: pixels of {record['id']}")
                elif record["verdict"] is not None and store.manifest(record["sha256"]).verdict is None:
                    found.lost.append(f"{thread}: verdict of {record['id']}")


def _look_at_shards(home: Path, found: Findings) -> None:
    from imagerag.errors import UserError
    from imagerag.index.user.shards import GONE, Shards

    shards = Shards(home / "own" / "shards")
    keys: list[str] = []
    try:
        for shard in shards.live():
            if shard.tag != GONE:
                keys += shards.read(shard, ["key"]).column("key").to_pylist()
    except UserError as error:
        found.half.append(str(error))
    found.doubled.extend({f"row of {key}" for key in keys if keys.count(key) > 1})


def left_behind(home: Path) -> list[str]:
    """Return what no command should leave once another has come after it: half-written files, folders nobody names."""
    own = home / "own"
    named = " ".join(file.read_text(encoding="utf-8") for file in own.glob("applied-*.json"))
    folders = [folder.name for folder in own.glob("chroma-*") if folder.name not in named]
    return folders + [file.name for place in (own, own / "shards") for file in place.glob(".writing-*")]
