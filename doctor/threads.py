"""Checks side by side, each with the same end: what has not answered by then is told as such."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextvars import copy_context
from typing import Generic, TypeVar

Result = TypeVar("Result")


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


def side_by_side(calls: Sequence[Callable[[], Result]], seconds: float) -> list[Result | None]:
    """Return what the calls return, in order; ``None`` for those that take longer.

    Args:
        calls: none of which can be interrupted.
        seconds: after which none is waited for.

    Raises:
        Exception: what the first call that failed raised.
    """
    running = [_Call(call) for call in calls]
    until = time.monotonic() + seconds
    for one in running:
        one.thread.join(max(until - time.monotonic(), 0.0))
    for one in running:
        if one.errors:
            raise one.errors[0]
    return [one.results[0] if one.results else None for one in running]
