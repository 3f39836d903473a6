"""Processes that hang, told from those that others on the machine keep waiting."""

import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

QUIET = 120.0
"""Seconds without a new input after which a target's process counts as hung; those aside in which others had the
processor, and more than any input may take (testing/fuzzing.py)."""
LOOK = 1.0
"""Seconds between two looks at it."""

_NANOSECONDS = 1e9


def waited_for_processor(process: int) -> float:
    """Return the seconds for which a process and those it has started were ready to run, and others ran.

    That is the second number of ``/proc/PID/task/TID/schedstat`` ("Scheduler Statistics" in the documentation of
    Linux), summed over the threads that there are; 0.0 where the system does not tell it.
    """
    try:
        family = [process, *(child.pid for child in psutil.Process(process).children(recursive=True))]
    except psutil.Error:
        return 0.0
    return sum(_waited(file) for one in family for file in Path("/proc").glob(f"{one}/task/*/schedstat"))


def _waited(file: Path) -> float:
    try:
        return int(file.read_text(encoding="ascii").split()[1]) / _NANOSECONDS
    except (OSError, IndexError, ValueError):  # a thread that has ended meanwhile, or a kernel without these numbers
        return 0.0


class OwnTime:
    """A clock that stands still while others have the processor.

    Args:
        process: whose time it counts, with those it has started.
    """

    def __init__(self, process: int) -> None:
        self._process = process
        self._at = time.monotonic()
        self._waited = waited_for_processor(process)
        self._seconds = 0.0

    def seconds(self) -> float:
        """Return the seconds since the clock began that the process worked, or waited for something else."""
        now, waited = time.monotonic(), waited_for_processor(self._process)
        passed = now - self._at
        # Several threads may have waited at once, and those that have ended are no longer counted.
        self._seconds += passed - min(passed, max(0.0, waited - self._waited))
        self._at, self._waited = now, waited
        return self._seconds


def watched(command: Sequence[str], pending: Path, quiet: float = QUIET) -> str:
    """Run a target's process to its end, and return what was wrong with it; empty if nothing was.

    Args:
        command: of the process.
        pending: file that it writes anew with each input.
        quiet: seconds of its own that it may be without a new input.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        process = subprocess.Popen(command, stderr=errors)
        try:
            status = _wait(process, pending, quiet)
        finally:  # also where whoever watches is ended: what nobody watches is not left running
            process.kill()
            process.wait()
        if status is None:
            return f"the process hung: no new input in {quiet:g} s of its own"
        errors.seek(0)
        return f"the process died ({status}): {errors.read()[-2000:]}" if status else ""


def _wait(process: subprocess.Popen[bytes], pending: Path, quiet: float) -> int | None:
    """Return the exit status of a process, or None once it was quiet for too long."""
    own, seen, since = OwnTime(process.pid), _changed(pending), 0.0
    while True:
        try:
            return process.wait(LOOK)
        except subprocess.TimeoutExpired:
            now = own.seconds()
        if _changed(pending) != seen:
            seen, since = _changed(pending), now
        elif now - since > quiet:
            return None


def _changed(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
