"""How long a server keeps conversations: what ``keep_days`` says goes at its start, and once a day after that."""

import logging
import threading
from pathlib import Path

from imagerag.errors import FileError
from imagerag.server.cleaning import DAY, remove_garbage

BEGIN = 10.0
"""Seconds after the start: what clients ask for first comes first."""

_log = logging.getLogger(__name__)


class Retention:
    """Removes what is older than it may be, on a thread of its own, until it is closed.

    Args:
        home: the data directory.
        days: for which a conversation stays that nobody goes on with.
        begin, every: seconds until the first time, and from each to the next.
    """

    def __init__(self, home: Path, days: float, *, begin: float = BEGIN, every: float = DAY) -> None:
        self._home = home
        self._days = days
        self._waits = (begin, every)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="imagerag-retention", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Remove nothing more."""
        self._over.set()

    def _run(self) -> None:
        begin, every = self._waits
        wait = begin
        while not self._over.wait(wait):
            wait = every
            try:
                gone = remove_garbage(self._home, self._days)
            except FileError as error:
                _log.warning("what is older than keep_days (%g) stays: %s", self._days, error)
                continue
            except Exception:  # a defect here must not end what is to happen every day
                _log.exception("what is older than keep_days (%g) stays", self._days)
                continue
            _log.info(
                "keep_days %g: removed %d conversations, %d images", self._days, len(gone.threads), len(gone.images)
            )
            for note in gone.notes:
                _log.warning("keep_days %g: %s", self._days, note)
