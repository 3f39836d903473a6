"""Checks side by side, and one end for all that wait for other machines: what has not answered is told as such."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import Generic, TypeVar

Result = TypeVar("Result")

WAIT = 8.0
"""Seconds from the beginning of an examination in which all other machines may answer."""

_UNTIL: ContextVar[float | None] = ContextVar("doctor_until", default=None)


@contextmanager
def waits_end_after(seconds: float) -> Iterator[None]:
    """Let all waits in the block, and in the threads that it begins, end after so many seconds."""
    token = _UNTIL.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _UNTIL.reset(token)


def left(most: float, least: float = 0.1) -> float:
    """Return how many seconds a wait may take: what is left until the end of all, if there is one.

    Args:
        most: for this one.
        least: all the same, where little is left.
    """
    until = _UNTIL.get()
    return most if until is None else min(most, max(until - time.monotonic(), least))


class _Call(Generic[Result]):
    """One call in a thread of its own, which ends with the process if it never returns."""

    def __init__(self, call: Callable[[], Result]) -> None:
        self._call = call
        self.results: list[Result] = []
        self.errors: list[BaseException] = []
        context = copy_context()
        self.thread = threading.Thread(target=lambda: context.run(self._run), daemon=True, name="imagerag-doctor")
        self.thread.start()

    def _run(self) -> None:
        try:
            self.results.append(self._call())
        except BaseException as error:
            self.errors.append(error)


def side_by_side(calls: Sequence[Callable[[], Result]], seconds: float | Sequence[float]) -> list[Result | None]:
    """Return what the calls return, in order; ``None`` for those that take longer.

    Args:
        calls: none of which can be interrupted.
        seconds: after which none is waited for, or of each one.

    Raises:
        Exception: what the first call that failed raised.
    """
    running = [_Call(call) for call in calls]
    began = time.monotonic()
    ends = seconds if isinstance(seconds, Sequence) else [seconds] * len(running)
    for one, most in zip(running, ends, strict=True):
        one.thread.join(max(began + most - time.monotonic(), 0.0))
    for one in running:
        if one.errors:
            raise one.errors[0]
    return [one.results[0] if one.results else None for one in running]
