"""Runs imagerag's commands for the torture script, each in a process of its own and under conditions of its own."""

import importlib
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.torture_disks import Disk

PRELOADED = (
    "imagerag.cli.main", "imagerag.cli.draw", "imagerag.cli.index", "imagerag.cli.serve", "imagerag.graphs.agent_graph",
    "imagerag.index.user", "imagerag.server.app", "chromadb", "langgraph.checkpoint.sqlite", "pyarrow.parquet", "torch",
    "imagerag.cli.parser", "imagerag.cli.run_printer", "imagerag.embedders.embedded", "imagerag.index.user.calibrate",
    "imagerag.agent.clip_critic", "imagerag.agent.rule_writer", "imagerag.agent.follow_up.reading",
    "imagerag.generators.patchwork.drawing", "imagerag.index.bundled.chroma", "imagerag.report.json_document",
    "pyarrow.compute", "safetensors.torch", "tokenizers", "ftfy", "pillow_heif",
)  # fmt: skip
"""Imported once, in the process that all commands are forked from: alone that takes longer than a command."""
LONGEST = 300.0
"""Seconds that a command may take, on a machine that does much else besides; more is a hang."""

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


@dataclass(frozen=True)
class Conditions:
    """What a command has to live with.

    Attributes:
        largest: bytes that a file may have; no limit if ``None``.
        disk: what its data directory lies on.
        stage: ``MODULE:FUNCTION`` on whose first call it gets a signal, as in ``os:replace``.
        number: that signal.
        clock: file with what libfaketime adds to the clock, which may change meanwhile.
    """

    largest: int | None = None
    disk: Disk | None = None
    stage: str = ""
    number: int = 0
    clock: Path | None = None


class Command:
    """A command that runs in a process of its own.

    Args:
        arguments: of ``imagerag``.
        log: file for what it writes.
        conditions: that it runs under.
    """

    def __init__(self, arguments: Sequence[str], log: Path, conditions: Conditions | None = None) -> None:
        _context.set_forkserver_preload(list(PRELOADED))
        self._log = log
        log.unlink(missing_ok=True)
        self._began = time.monotonic()
        self._process: Any = _context.Process(target=_run, args=(list(arguments), str(log), conditions or Conditions()))
        self._process.start()

    @property
    def output(self) -> str:
        """What it has written so far."""
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""

    @property
    def runs(self) -> bool:
        """Whether it has not ended yet."""
        return bool(self._process.is_alive())

    def send(self, number: int) -> None:
        """Send it a signal, if it still runs."""
        if self.runs:
            os.kill(self._process.pid, number)

    def wait_for(self, text: str, seconds: float = LONGEST) -> bool:
        """Wait until it has written this; ``False`` if it has ended, or takes longer."""
        until = time.monotonic() + seconds
        while text not in self.output:
            if not self.runs or time.monotonic() > until:
                return text in self.output
            time.sleep(0.05)
        return True

    def wait(self, seconds: float = LONGEST) -> Outcome:
        """Wait for its end; one that takes longer has hung, and is killed."""
        self._process.join(seconds)
        hung = self.runs
        if hung:
            self._process.kill()
            self._process.join()
        return Outcome(None if hung else self._process.exitcode, self.output, time.monotonic() - self._began)


def run(arguments: Sequence[str], log: Path, conditions: Conditions | None = None, seconds: float = LONGEST) -> Outcome:
    """Run a command to its end."""
    return Command(arguments, log, conditions).wait(seconds)


def _run(arguments: list[str], log: str, conditions: Conditions) -> None:
    handle = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    for stream in (1, 2):
        os.dup2(handle, stream)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if conditions.largest is not None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (conditions.largest, resource.RLIM_INFINITY))
    if conditions.disk is not None:
        conditions.disk.lay()
    if conditions.clock is not None:
        _run_by_clock(arguments, conditions.clock)
    if conditions.stage:
        _send_at(conditions.stage, conditions.number)
    from imagerag.cli.main import run

    status = run(arguments)
    os._exit(status)  # forked from a process with libraries in it whose clean-up is not theirs


def _run_by_clock(arguments: list[str], clock: Path) -> None:
    """Go on as a program that libfaketime is loaded into: only the clock that tells the date is wrong."""
    told = {
        "LD_PRELOAD": str(faketime()),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
    }
    os.execve(sys.executable, [sys.executable, "-m", "imagerag", *arguments], os.environ | told)


def faketime() -> Path | None:
    """Return libfaketime's file, for programs with threads; ``None`` where it is not installed."""
    return next(iter(Path("/usr/lib").glob("**/faketime/libfaketimeMT.so.1")), None)


def _send_at(stage: str, number: int) -> None:
    """Let the first call of a function send this process a signal before it begins."""
    module, _, path = stage.partition(":")
    *owners, name = path.split(".")
    owner: Any = importlib.import_module(module)
    for each in owners:
        owner = getattr(owner, each)
    function = getattr(owner, name)

    def struck(*given: Any, **named: Any) -> Any:
        setattr(owner, name, function)
        os.kill(os.getpid(), number)
        return function(*given, **named)

    setattr(owner, name, struck)
