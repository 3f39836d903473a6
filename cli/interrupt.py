"""Ctrl-C: once stops the run between two denoising steps and keeps what there is, twice ends at once."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

CANCELLED = 130
"""Exit status after Ctrl-C, as shells have it: 128 + SIGINT."""

_SHOW_CURSOR = "\x1b[?25h"


@contextmanager
def cancel_on_interrupt() -> Iterator[threading.Event]:
    """Give an event that the first Ctrl-C sets while the block runs; another Ctrl-C ends the process.

    Outside the main thread signals can't be caught; there the event is only ever set by the caller.
    """
    cancel = threading.Event()

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        if cancel.is_set():
            # A library may be deep in native code or hold a lock; only this is sure to end at once.
            os.write(2, f"{_SHOW_CURSOR if os.isatty(2) else ''}\nimagerag: ended at once\n".encode())
            os._exit(CANCELLED)
        cancel.set()
        if sys.stderr is not None and sys.stderr.isatty():
            os.write(2, b"\nstopping after this step; Ctrl-C again ends at once\n")

    if threading.current_thread() is not threading.main_thread():
        yield cancel
        return
    previous = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield cancel
    finally:
        # Once cancelled, the process is about to end: a second Ctrl-C until then must not make a traceback of it.
        if not cancel.is_set():
            signal.signal(signal.SIGINT, previous)
