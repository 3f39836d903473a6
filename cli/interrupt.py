"""Ctrl-C, and what ends a process from outside: once stops the run between two denoising steps and keeps what there is.

SIGTERM comes from ``kill``, service managers and containers, SIGHUP from a terminal that is closed.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from imagerag.cli import result_stream

CANCELLED = 130
"""Exit status after Ctrl-C, as shells have it: 128 + SIGINT."""

_SHOW_CURSOR = "\x1b[?25h"
_ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))  # Windows has no HUP


class Ended(KeyboardInterrupt):
    """A signal ends the process.

    Attributes:
        status: the exit status, as shells have it: 128 + the signal's number.
        kept: what is there in spite of that, and how to go on, in words.
    """

    def __init__(self, status: int, kept: str = "") -> None:
        super().__init__(kept)
        self.status = status
        self.kept = kept


class Cancel(threading.Event):
    """Set when the run is to stop.

    Attributes:
        status: the exit status for the signal that has set it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.status = CANCELLED

    @property
    def ends_process(self) -> bool:
        """Whether more than the run is to end: it was another signal than Ctrl-C's."""
        return self.is_set() and self.status != CANCELLED


def status_of(error: KeyboardInterrupt) -> int:
    """Return the exit status that an interrupt stands for."""
    return error.status if isinstance(error, Ended) else CANCELLED


@contextmanager
def ending_raises(*, ctrl_c: bool = False) -> Iterator[None]:
    """Let SIGTERM and SIGHUP raise ``Ended`` while the block runs, as Ctrl-C raises ``KeyboardInterrupt``.

    What somebody else handles, or ignores (``nohup``), stays so.

    Args:
        ctrl_c: let Ctrl-C raise ``Ended``, too; asyncio would make a cancelled task of it, which waits for threads.
    """

    def end(number: int, frame: FrameType | None) -> None:
        _leave_gone_terminal(number)
        raise Ended(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    replaced = dict.fromkeys(_ENDING, signal.SIG_DFL) | ({signal.SIGINT: signal.default_int_handler} if ctrl_c else {})
    ours = {number: usual for number, usual in replaced.items() if signal.getsignal(number) is usual}
    for number in ours:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, usual in ours.items():
            signal.signal(number, usual)


@contextmanager
def cancel_on_interrupt() -> Iterator[Cancel]:
    """Give an event that the first Ctrl-C, SIGTERM or SIGHUP sets while the block runs; another one ends the process.

    Outside the main thread signals can't be caught; there the event is only ever set by the caller.
    """
    cancel = Cancel()

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        _leave_gone_terminal(number)
        if cancel.is_set():
            if 128 + number == cancel.status != CANCELLED and number != signal.SIGTERM:
                return  # the shell and the kernel both tell that the terminal is closed
            # A library may be deep in native code or hold a lock; only this is sure to end at once.
            os.write(2, f"{_SHOW_CURSOR if os.isatty(2) else ''}\nimagerag: ended at once\n".encode())
            os._exit(128 + number)
        cancel.status = 128 + number
        cancel.set()
        if sys.stderr is not None and sys.stderr.isatty():
            os.write(2, b"\nstopping after this step; Ctrl-C again ends at once\n")

    if threading.current_thread() is not threading.main_thread():
        yield cancel
        return
    handled = [number for number in _ENDING if signal.getsignal(number) is not signal.SIG_IGN]
    previous = {number: signal.signal(number, on_interrupt) for number in (signal.SIGINT, *handled)}
    try:
        yield cancel
    finally:
        # Once cancelled, the process is about to end: a second Ctrl-C until then must not make a traceback of it.
        if not cancel.is_set():
            for number, handler in previous.items():
                signal.signal(number, handler)


def _leave_gone_terminal(number: int) -> None:
    """Let what is written to a terminal that was closed go nowhere, so that it doesn't end what is still to be done."""
    if number == signal.SIGINT or number == signal.SIGTERM:
        return
    for stream in (1, 2, *result_stream.moved):
        try:
            os.write(stream, b"")
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream)
            os.close(nowhere)
