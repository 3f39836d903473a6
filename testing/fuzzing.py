"""Running one input of a fuzz target: which errors it may end with, and how much time and memory it may take."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from hypothesis.strategies import SearchStrategy

from imagerag.errors import InvalidArgument, UserError
from testing.hangs import OwnTime

SECONDS = 5.0
"""Of the processor's time, for one input."""
WAITING = 10
"""Times as many seconds may one input take in all, those aside in which others had the processor."""
MEBIBYTES = 400.0
"""Above what the process held before, for one input."""


@dataclass(frozen=True)
class Target:
    """A parser or a door.

    Attributes:
        name: of it.
        inputs: what it is given.
        run: gives it one input.
        allowed: errors that it may end with; all others are crashes.
        seconds, mebibytes: what one input may take.
        known: inputs that it once failed on; they are given it first.
    """

    name: str
    inputs: SearchStrategy[Any]
    run: Callable[[Any], object]
    allowed: tuple[type[Exception], ...] = (UserError, InvalidArgument)
    seconds: float = SECONDS
    mebibytes: float = MEBIBYTES
    known: tuple[Any, ...] = ()


class Hung(Exception):
    """An input took longer than it may."""


class TooMuchMemory(Exception):
    """An input took more memory than it may."""


class _TimeIsUp(BaseException):
    """No ``except Exception`` of the product ends it."""


def execute(target: Target, given: Any) -> None:
    """Give a target one input, in the main thread.

    Raises:
        Hung, TooMuchMemory: it took more than it may.
        Exception: it crashed.
    """
    before = _restart_peak()
    try:
        with _time_limit(target.seconds):
            target.run(given)
    except target.allowed:
        pass
    except _TimeIsUp as hung:
        raise Hung(f"{target.name} took more than {target.seconds:g} s") from hung
    took = _kibibytes("VmHWM") - before
    if took > target.mebibytes * 1024:
        raise TooMuchMemory(f"{target.name} took {took / 1024:.0f} MiB, more than {target.mebibytes:g}")


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """End the block after so many seconds of this process's processor time, or ``WAITING`` times as many in all."""
    own = OwnTime(os.getpid())

    def stop(number: int, frame: FrameType | None) -> None:
        left = WAITING * seconds - own.seconds() if number == signal.SIGALRM else 0.0
        if left > 0:  # the machine was busy with something else
            signal.setitimer(signal.ITIMER_REAL, left)
            return
        raise _TimeIsUp

    timers = ((signal.ITIMER_PROF, signal.SIGPROF, seconds), (signal.ITIMER_REAL, signal.SIGALRM, WAITING * seconds))
    before = [signal.signal(number, stop) for _, number, _ in timers]
    try:
        for timer, _, after in timers:
            signal.setitimer(timer, after)
        yield
    finally:
        for (timer, number, _), handler in zip(timers, before, strict=True):
            signal.setitimer(timer, 0)
            signal.signal(number, handler)


def _restart_peak() -> int:
    """Let the kernel count the peak of this process's memory anew, and return what it holds, in KiB; 0 elsewhere."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return 0
    return _kibibytes("VmRSS")


def _kibibytes(name: str) -> int:
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError:
        return 0
    return int(status.partition(f"{name}:")[2].split()[0])
