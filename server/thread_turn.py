"""A run's wait for its thread, which a command or another server goes on with: no worker of the queue is held by it."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from imagerag.graphs.thread_lock import ThreadBusy
from imagerag.server.job_queue import NotYet
from imagerag.server.run import Run
from imagerag.server.thread_history import Threads


class ThreadTurn:
    """Takes the thread of a run for the run's work, in as many attempts as it needs.

    Args:
        threads: of the service.
        run: tells, once, that it waits.
        seconds: returns the longest wait, from the first attempt on.
    """

    def __init__(self, threads: Threads, run: Run, seconds: Callable[[], float]) -> None:
        self._threads = threads
        self._run = run
        self._seconds = seconds
        self._began: float | None = None
        self._told: set[str] = set()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the thread for a ``with`` block.

        Raises:
            NotYet: somebody else has it; the queue asks again.
            ThreadBusy: somebody else has had it all the time.
        """
        now = time.monotonic()
        self._began = now if self._began is None else self._began
        with ExitStack() as held:
            try:
                held.enter_context(
                    self._threads.alone(self._run.client, self._run.thread, lambda: 0.0, tell=self._tell)
                )
            except ThreadBusy:
                most = self._seconds()
                if now - self._began < most:
                    raise NotYet from None
                raise ThreadBusy(self._threads.key(self._run.client, self._run.thread), most) from None
            yield

    def _tell(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._run.tell({"event": "note", "text": text})
