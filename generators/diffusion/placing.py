"""Putting weights where they are drawn from while something else goes on: a look-up, for one."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable

from imagerag.devices import moves_weights


class Placing:
    """Places once, on a thread of its own or on that which waits for it.

    Only moving tensors is safe beside other models: ``from_pretrained`` changes torch's default number format for the
    whole process while it loads, so that weights are read into the host's memory before.

    Args:
        place: puts the weights there.
    """

    def __init__(self, place: Callable[[], None]) -> None:
        self._place = place
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None
        self._is_done = False

    def begin(self) -> None:
        """Begin it, if it has not been begun."""
        with self._lock:
            if self._is_done or self._thread is not None:
                return
            context = contextvars.copy_context()
            # A daemon: a run that is left needs its weights no more, and the process may end.
            self._thread = threading.Thread(target=context.run, args=(self._work,), daemon=True, name=THREAD)
            self._thread.start()
            moves_weights(self._thread)

    def finish(self) -> None:
        """Return when the weights are there.

        Raises:
            BaseException: what ``place`` raised; the next call tries again.
        """
        if self._is_done:
            return
        self.begin()
        thread = self._thread
        if thread is not None:
            thread.join()
        with self._lock:
            error, self._error, self._thread = self._error, None, None
        if error is not None:
            raise error
        if not self._is_done:  # another call took the error, and this one tries again
            self.finish()

    def _work(self) -> None:
        try:
            self._place()
            self._is_done = True
        except BaseException as error:
            self._error = error


THREAD = "imagerag-call-placing"
"""Its name, by which ``work_left_behind`` knows it: torch may be deep in native code when the process ends."""
