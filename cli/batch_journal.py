"""What a batch has done so far: a line for each row, on the disk before anything is told of it.

A process that is killed loses at most the row at hand. The line says under which name the image is to lie, so that the
next process finishes what the last one had begun, and leaves no second copy.
"""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal, TypedDict, get_type_hints

from imagerag.regular_files import read_regular
from imagerag.store.file_errors import file_error
from imagerag.store.files import is_address
from imagerag.store.journals import append_line, sole_worker
from imagerag.told_text import told_text

FILE = "batch.jsonl"
LOCK = ".batch.lock"


class Done(TypedDict):
    """The outcome of one row, as ``--json`` and the page have it."""

    key: str
    row: int
    line: int
    prompt: str
    status: Literal["done", "failed"]
    file: str
    """Name of the image in the folder; empty where there is none."""
    sha256: str
    """By which the image store knows it."""
    score: float | None
    satisfied: bool
    missing: list[str]
    seed: int | None
    stop_reason: str
    error: str
    notes: list[str]
    seconds: float
    thread: str


class Journal:
    """The journal in a folder of results.

    Args:
        folder: must exist.

    Raises:
        UserError: it can't be read.
    """

    def __init__(self, folder: Path) -> None:
        self.file = folder / FILE
        self.damaged = 0
        """Lines that can't be read: the last one of a process that was killed."""
        self.done: dict[str, Done] = {}
        """What is there, by the rows' keys; of a row that was drawn again, the last."""
        try:
            text = read_regular(self.file) if self.file.exists() else b""
        except OSError as error:
            raise file_error(self.file, error, verb="read") from error
        for line in text.splitlines():
            entry = _entry(line)
            if entry is None:
                self.damaged += 1
            else:
                self.done[entry["key"]] = entry
        self._whole = not text or text.endswith(b"\n")

    def enter(self, entry: Done) -> None:
        """Add a line; of files it tells the names, since the folder is given to others.

        Raises:
            UserError: it can't be written.
        """
        told = {**entry, "error": told_text(entry["error"]), "notes": [*map(told_text, entry["notes"])]}
        data = json.dumps(told, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        append_line(self.file, data, whole=self._whole)
        self._whole = True
        self.done[entry["key"]] = entry


def held(folder: Path) -> AbstractContextManager[None]:
    """Keep other batches out of a folder for the length of a ``with`` block.

    Raises:
        UserError: one is at work there.
    """
    return sole_worker(folder / LOCK, "imagerag batch")


def _entry(line: bytes) -> Done | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    known = get_type_hints(Done)
    if not isinstance(value, dict) or known.keys() - value.keys() or not isinstance(value["key"], str):
        return None
    name = value["file"]
    if not isinstance(name, str) or name != Path(name).name or value["status"] not in ("done", "failed"):
        return None
    if value["status"] == "done" and not is_address(value["sha256"]):
        return None
    return value  # type: ignore[return-value] # of its keys all are there
