"""What was fetched from the web: each file by its content, with a record of where it comes from and how long it holds.

Records are named by the request, files by their SHA-256, so that one picture under many addresses lies there once.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from imagerag.credentials import without_credentials
from imagerag.errors import FileError
from imagerag.regular_files import read_regular
from imagerag.store.files import write_whole

PICTURES, ANSWERS = 7 * 86400.0, 3600.0
"""Seconds for which a picture, and a search's answer, is taken from the cache without asking where it comes from, where
the server does not say."""
LONGEST = 30 * 86400.0
"""The most that a server's word counts for."""
MOST_BYTES = 2**30
"""Of all files; the oldest go first."""
PRUNED_EACH = 2**26
"""Bytes that are written between two prunings."""
_MAX_AGE = re.compile(r"max-age=(\d{1,10})")


class Cached(NamedTuple):
    """What lies in the cache.

    Attributes:
        data: the file.
        fresh: whether it can be taken without asking.
        conditions: headers that ask whether it has changed.
    """

    data: bytes
    fresh: bool
    conditions: Mapping[str, str]


class WebCache:
    """Files and records below a folder; threads and processes may share it.

    Args:
        folder: nothing is made there before something is stored.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._written = 0

    def get(self, key: str) -> Cached | None:
        """Return what was stored for a request, if it is there whole."""
        try:
            record = json.loads(read_regular(self._record(key)))
            data = read_regular(self._file(str(record["sha256"])))
            intact = hashlib.sha256(data).hexdigest() == record["sha256"]
            fresh = time.time() < float(record["until"])
            asked = {name: str(record[kept]) for name, kept in CONDITIONS.items() if record.get(kept)}
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        return Cached(data, fresh, asked) if intact else None

    def put(self, key: str, url: str, data: bytes, headers: Mapping[str, str], seconds: float) -> None:
        """Store an answer; one that its server wants nobody to keep is not.

        Args:
            key: of the request.
            url: for the record.
            data: the file.
            headers: of the answer, their names in small letters.
            seconds: for which it holds, where the server doesn't say.
        """
        control = headers.get("cache-control", "").lower()
        if "no-store" in control:
            return
        if said := _MAX_AGE.search(control):
            seconds = min(float(said[1]), LONGEST)
        if "no-cache" in control:
            seconds = 0.0
        sha256 = hashlib.sha256(data).hexdigest()
        kept = {kept: headers[name] for name, kept in VALIDATORS.items() if name in headers}
        record: dict[str, Any] = {"url": without_credentials(url), "sha256": sha256, "until": time.time() + seconds}
        with suppress(FileError):  # a cache that can't be written is none
            if not self._file(sha256).is_file():
                write_whole(self._file(sha256), data, durable=False)
                self._grown(len(data))
            write_whole(self._record(key), json.dumps({**record, **kept}).encode(), durable=False)

    def forget(self, key: str) -> None:
        """Ask anew the next time."""
        with suppress(OSError):
            self._record(key).unlink()

    def still_holds(self, key: str, seconds: float) -> None:
        """Note that the server says it has not changed."""
        with suppress(OSError, ValueError, TypeError, FileError):
            record = json.loads(read_regular(self._record(key)))
            record["until"] = time.time() + seconds
            write_whole(self._record(key), json.dumps(record).encode(), durable=False)

    def _grown(self, size: int) -> None:
        """Prune now and then: a server's cache would grow for as long as that runs."""
        with self._lock:
            self._written += size
            due = self._written >= PRUNED_EACH
            if due:
                self._written = 0
        if due:
            self.prune()

    def prune(self, most: int = MOST_BYTES) -> None:
        """Remove the oldest files until those that are left have at most ``most`` bytes, and records without a file."""
        self._prune_files(most)
        for record in (self._folder / "records").glob("*/*.json"):
            try:
                told = json.loads(read_regular(record))
                there = self._file(str(told["sha256"])).is_file()
            except (OSError, ValueError, KeyError, TypeError, RecursionError):
                there = False
            if not there:
                with suppress(OSError):
                    record.unlink()

    def _prune_files(self, most: int) -> None:
        found = []
        for file in (self._folder / "files").glob("*/*"):
            with suppress(OSError):
                status = file.stat()
                found.append((status.st_mtime, status.st_size, file))
        total = sum(size for _, size, _ in found)
        for _, size, file in sorted(found)[: len(found) if total > most else 0]:
            if total <= most:
                break
            with suppress(OSError):
                file.unlink()
                total -= size

    def _record(self, key: str) -> Path:
        digest = hashlib.sha256(key.encode()).hexdigest()
        return self._folder / "records" / digest[:2] / f"{digest}.json"

    def _file(self, sha256: str) -> Path:
        if not re.fullmatch(r"[0-9a-f]{64}", sha256):
            raise ValueError(sha256)
        return self._folder / "files" / sha256[:2] / sha256


VALIDATORS = {"etag": "etag", "last-modified": "last_modified"}
"""Headers of an answer, and where a record keeps them."""
CONDITIONS = {"if-none-match": "etag", "if-modified-since": "last_modified"}
"""Headers of a request, and where their values are kept (RFC 9110, section 13.1)."""
