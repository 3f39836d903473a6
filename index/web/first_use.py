"""Which web sources were ever asked from a data directory: the first use of one is told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from imagerag.errors import FileError
from imagerag.store.files import write_whole

USED = "used.json"
"""Names the sources that were ever asked."""


def first_used(folder: Path, names: Sequence[str]) -> list[str]:
    """Return those of the sources that were never asked before, and note that they are now.

    Args:
        folder: ``web`` of the data directory; where it can't be written, the first use is told again.
        names: of the sources that are about to be asked.
    """
    known: list[str] = []
    with suppress(OSError, ValueError, TypeError):
        known = [str(name) for name in json.loads((folder / USED).read_bytes())]
    new = [name for name in names if name not in known]
    if new:
        with suppress(FileError):
            write_whole(folder / USED, json.dumps([*known, *new]).encode())
    return new
