"""What is told before web sources are asked: who is asked what, and the first time what that means."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from imagerag.errors import FileError
from imagerag.regular_files import read_regular
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
        known = [str(name) for name in json.loads(read_regular(folder / USED))]
    new = [name for name in names if name not in known]
    if new:
        with suppress(FileError):
            write_whole(folder / USED, json.dumps([*known, *new]).encode())
    return new


def announced(folder: Path | None, names: Sequence[str], captions: Sequence[str]) -> list[str]:
    """Return what to tell before sources of pictures are asked.

    Args:
        folder: see ``first_used``; ``None`` where it is not known, and each use is a first one.
        names: of the sources.
        captions: all that is sent.
    """
    words = "; ".join(f'"{caption.strip()}"' for caption in captions)
    told = [f"asking {', '.join(names)} on the web for {words}; these captions are all that is sent"]
    if new := list(names) if folder is None else first_used(folder, names):
        told.append(
            f"first use of {', '.join(new)}: their servers see these captions and this machine's address; "
            "--offline, or --library without them, keeps all here"
        )
    return told
