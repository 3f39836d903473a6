"""What of a data directory nothing refers to: images, by their addresses, and what a killed process was writing."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from imagerag.regular_files import read_regular
from imagerag.store.files import is_address
from imagerag.store.images import ImageStore
from imagerag.store.leftovers import left_over

GRACE = 86_400.0
"""Seconds for which an image stays though nothing refers to it: a run that is under way, or a checkpointer of somebody
else's, may come to."""

_DIGITS = 64
_RUN = re.compile(rb"[0-9a-f]{64,}")


def addresses_in(data: bytes | str) -> Iterator[str]:
    """Yield everything in some stored data that may be an image's address, whatever it is packed in, unless compressed.

    Digits that another packing has put before or behind an address don't hide it.
    """
    for found in _RUN.finditer(data.encode() if isinstance(data, str) else data):
        run = found[0].decode()
        yield from (run[at : at + _DIGITS] for at in range(len(run) - _DIGITS + 1))


def unreferred(store: ImageStore, referred: set[str], grace: float = GRACE, copies: Iterable[Path] = ()) -> list[Path]:
    """Return the images that nothing refers to, the references of those that stay not among them.

    Args:
        store: the image store.
        referred: addresses that something refers to.
        grace: seconds without a change for which an image stays in any case.
        copies: folders with the PNGs of what look-ups have found, which nothing but conversations and images needs.

    Raises:
        OSError: a folder can't be read.
    """
    there = {path.stem: path for path in _images(store.root / "images")}
    found = [path for folder in copies for path in _images(folder)]
    names = {path.stem for path in found}
    named = names & referred
    before = time.time() - grace
    kept: set[str] = set()
    waiting = [name for name, path in there.items() if name in referred or _changed(path) > before]
    while waiting:
        name = waiting.pop()
        if name in kept or name not in there:
            continue
        kept.add(name)
        with suppress(OSError):  # one that can't be read is kept, and refers to nothing that could be drawn with
            # The manifest is what comes before the pixels, and names the references by their addresses.
            told = set(addresses_in(read_regular(there[name])))
            waiting += told & there.keys()
            named |= told & names
    left = [path for path in found if path.stem not in named and _changed(path) <= before]
    return sorted([*left, *(path for name, path in there.items() if name not in kept)])


def written_by_nobody(home: Path) -> list[Path]:
    """Return the files below a data directory that killed processes were writing.

    Raises:
        OSError: a folder can't be read.
    """
    return sorted(file for folder, _, _ in os.walk(home) for file in left_over(Path(folder)))


def _images(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        return
    for part in sorted(folder.iterdir()):
        if part.is_dir():
            yield from (path for path in part.glob("*.png") if is_address(path.stem))


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
