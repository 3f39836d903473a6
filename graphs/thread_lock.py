"""One run of a thread at a time, over all processes that share a data directory.

Two at once would both begin at the thread's newest state, and of what they make of it only one would be found again.
"""

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from weakref import WeakValueDictionary

from filelock import FileLock, Timeout

from imagerag.errors import UserError
from imagerag.interruptible import Check, pause
from imagerag.store.private import FILE, private_folder

LOCKS = "locks"
"""The folder of the locks in the data directory: an empty file for each thread, which stays."""

PAUSE = 0.1
"""Seconds between two attempts."""

UPDATE_WAIT = 30.0
"""Seconds for which a change that is no run, such as ``update_state``, waits for a run of the thread."""

_log = logging.getLogger(__name__)

_here: "WeakValueDictionary[tuple[str, str], threading.Lock]" = WeakValueDictionary()
"""The lock of each thread that is held or waited for in this process; it also holds where files can't be locked."""
_entering = threading.Lock()

_held: ContextVar[frozenset[tuple[str, str]]] = ContextVar("held", default=frozenset())
"""The threads that ``holding`` holds for who is running now."""


class ThreadBusy(UserError):
    """Another run of a thread was under way for as long as was waited."""

    def __init__(self, thread: str, seconds: float) -> None:
        super().__init__(
            f"another run of thread {thread!r} is under way, and this one has waited for {seconds:g} s; "
            "try again when that has ended, take another --thread, or wait longer with --max-seconds"
        )


class ThreadLock:
    """The right to go on with one thread.

    Args:
        home: the data directory.
        thread: LangGraph's ``thread_id``.
    """

    def __init__(self, home: Path, thread: str) -> None:
        self._thread = thread
        self._file = lock_file(home, thread)
        self._lock: FileLock | None = None
        with _entering:
            self._within = _here.setdefault((str(home), thread), threading.Lock())

    def acquire(self, seconds: Callable[[], float], check: Check) -> Iterator[str]:
        """Take it, and wait for who has it.

        Args:
            seconds: the longest wait.
            check: called again and again meanwhile; raises where the run has ended.

        Yields:
            What is to be told: that there is somebody to wait for, and that files can't be locked.

        Raises:
            ThreadBusy: somebody else has it all the time.
        """
        notes: list[str] = []
        if self._take(notes):
            yield from notes
            return
        yield f"waiting: another run of thread {self._thread!r} is under way"
        most = seconds()
        until = time.monotonic() + most
        while (left := until - time.monotonic()) > 0:
            pause(min(PAUSE, left), check)
            if self._take(notes):
                yield from notes
                return
        raise ThreadBusy(self._thread, most)

    def _take(self, notes: list[str]) -> bool:
        if not self._within.acquire(blocking=False):
            return False
        taken = False
        try:
            taken = self._take_file(notes)
        finally:
            if not taken:
                self._within.release()
        return taken

    def _take_file(self, notes: list[str]) -> bool:
        try:
            private_folder(self._file.parent)
            # Not the thread's own: whichever thread takes the last chunk of a stream releases it.
            lock = FileLock(self._file, mode=FILE, thread_local=False)
            lock.acquire(timeout=0)
        except Timeout:
            return False
        except (OSError, NotImplementedError) as error:
            # Without locks there still is the run; it is only that two at once could get into each other's way.
            reason = getattr(error, "strerror", None) or str(error)
            notes.append(
                f"{str(self._file)!r} can't be locked ({reason}): don't run thread {self._thread!r} in two processes "
                "at once, or one turn is lost; a data directory on a local disk (--home DIR) has locks"
            )
            return True
        self._lock = lock
        return True

    def release(self) -> None:
        """Give it back."""
        if self._lock is not None:
            with suppress(OSError):  # closing frees it, too
                self._lock.release()
            self._lock = None
        self._within.release()


def lock_file(home: Path, thread: str) -> Path:
    """Return the file whose lock stands for a thread; a thread's name may be none of a file."""
    return home / LOCKS / f"{hashlib.sha256(thread.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}.lock"


def is_held(home: Path, thread: str) -> bool:
    """Tell whether ``holding`` holds the thread for who is running now."""
    return (str(home), thread) in _held.get()


@contextmanager
def holding(
    home: Path, thread: str, seconds: Callable[[], float], check: Check, tell: Callable[[str], None]
) -> Iterator[None]:
    """Hold a thread for the length of a ``with`` block, for several steps that belong together.

    Args:
        home, thread, seconds, check: see ``ThreadLock``.
        tell: is told what ``acquire`` yields.

    Raises:
        ThreadBusy: somebody else has it all the time.
    """
    if is_held(home, thread):
        yield
        return
    lock = ThreadLock(home, thread)
    for note in lock.acquire(seconds, check):
        tell(note)
    token = _held.set(_held.get() | {(str(home), thread)})
    try:
        yield
    finally:
        _held.reset(token)
        lock.release()


def log_note(text: str) -> None:
    """Tell where nobody listens to a run."""
    _log.warning("%s", text)
