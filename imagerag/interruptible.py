"""Waiting for others without outstaying the run: calls that can be left, pauses that can be ended."""

import contextvars
import math
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

from imagerag.garbage_collection import collection_paused

TICK = 0.05
"""Seconds between two looks at whether the run has ended."""

CALLING, IDLE, WARMING, ENGINE = "imagerag-call", "imagerag-idle", "imagerag-warming", "imagerag-engine"
"""Names of our threads, by what they are at."""

Check = Callable[[], None]
"""Raises when the run has ended."""

Answer = TypeVar("Answer")


class _Worker:
    """A thread that runs calls one by one and is used again; one whose call hangs is left behind.

    Daemon threads, which an executor's are not: a server that never answers may not keep the process from ending.
    """

    def __init__(self) -> None:
        self.jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        threading.Thread(target=self._work, daemon=True, name=IDLE).start()

    def _work(self) -> None:
        thread = threading.current_thread()
        while True:
            job = self.jobs.get()
            thread.name = CALLING
            job()
            thread.name = IDLE
            _idle.append(self)


_idle: list[_Worker] = []
"""Workers that wait for a call; a list's ``append`` and ``pop`` are atomic."""


def work_left_behind() -> bool:
    """Tell whether threads of ours are still at something that was left, or will not end in time.

    They may be deep in native code, which crashes where Python is taken down around it.
    """
    return any(thread.name.startswith((CALLING, WARMING, ENGINE)) for thread in threading.enumerate())


def run_interruptibly(call: Callable[[], Answer], check: Check) -> Answer:
    """Run the call on a thread of its own, so that the run's clock and its cancel switch end the wait.

    A server that sends a byte now and then never times out by itself.

    Raises:
        BaseException: what the call raised, or what ``check`` did; then the call is left behind.
    """
    done: queue.SimpleQueue[tuple[Answer | None, BaseException | None]] = queue.SimpleQueue()
    context = contextvars.copy_context()

    def work() -> None:
        try:
            done.put((context.run(call), None))
        except BaseException as error:
            done.put((None, error))

    try:
        worker = _idle.pop()
    except IndexError:
        worker = _Worker()
    worker.jobs.put(work)
    while True:
        try:
            answer, error = done.get(timeout=TICK)
        except queue.Empty:
            check()
            continue
        if error is not None:
            raise error
        return answer  # type: ignore[return-value]


_check: contextvars.ContextVar[Check | None] = contextvars.ContextVar("imagerag_check", default=None)
_left: contextvars.ContextVar[Callable[[], float] | None] = contextvars.ContextVar("imagerag_left", default=None)


@contextmanager
def using_check(check: Check | None, left: Callable[[], float] | None = None) -> Iterator[None]:
    """Let waits for others until the block ends heed the run.

    Args:
        check: asked by ``run_bounded``.
        left: returns the seconds that the run has left, for ``seconds_left``.
    """
    tokens = _check.set(check), _left.set(left)
    try:
        yield
    finally:
        _check.reset(tokens[0])
        _left.reset(tokens[1])


def seconds_left() -> float:
    """Return the seconds that the run has left; infinity outside a run."""
    left = _left.get()
    return math.inf if left is None else left()


def run_bounded(call: Callable[[], Answer], seconds: float, *, of_run: bool = True) -> Answer:
    """Run the call as ``run_interruptibly`` does, for so many seconds at most, under the check of ``using_check``.

    For clients of servers whose own time-outs are missing, or begin anew with each byte.

    Args:
        call: made on a thread of its own.
        seconds: the most.
        of_run: heed that check; not for what is done because the run has ended.

    Raises:
        TimeoutError: it took longer; then the call is left behind.
        BaseException: what the call or the check raised.
    """
    until = time.monotonic() + seconds
    ended = _check.get() if of_run else None

    def check() -> None:
        if ended is not None:
            ended()
        if time.monotonic() > until:
            raise TimeoutError(f"no answer within {seconds:g} seconds")

    return run_interruptibly(call, check)


_loading = threading.Lock()


def load_interruptibly(load: Callable[[], Answer], check: Check) -> Answer:
    """Load something large that the process keeps, such as a model, as ``run_interruptibly`` runs a call.

    One thing at a time: who left the wait before it was there leaves it to the next, which then finds it loaded and not
    loaded twice.

    Raises:
        BaseException: what ``load`` or ``check`` raised.
    """

    def alone() -> Answer:
        with _loading, collection_paused():
            return load()

    return run_interruptibly(alone, check)


def pause(seconds: float, check: Check) -> None:
    """Wait, but no longer than the run may take."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        check()
        time.sleep(min(left, TICK))


def retry_after(text: str | None) -> float | None:
    """Return the seconds that a ``Retry-After`` header asks to wait (RFC 9110 section 10.2.3): a number, or a date.

    ``None`` where it is not there or neither.
    """
    if text is None:
        return None
    with suppress(ValueError):
        seconds = float(text)
        return None if math.isnan(seconds) else max(seconds, 0.0)
    from email.utils import parsedate_to_datetime

    try:
        return max(parsedate_to_datetime(text).timestamp() - time.time(), 0.0)
    except (ValueError, OverflowError):
        return None
