"""Which folder the results of a batch lie in: one file's only, so that two of one name never share a journal.

A folder that a batch has begun says which file it is of: by the file's name, and by a digest of where it is from there.
The digest goes along when both are moved, and tells no place of this machine to those who are given the folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
from collections.abc import Iterator, Set
from pathlib import Path

from imagerag.cli.batch_journal import FILE, Journal, held
from imagerag.errors import UserError
from imagerag.regular_files import read_regular
from imagerag.store.files import write_whole
from imagerag.store.output_files import make_folder

MARK = ".batch.file"
"""Name of the file that says of which file the folder's batch is."""


@contextlib.contextmanager
def held_folder(file: Path, out: str | Path | None, keys: Set[str]) -> Iterator[tuple[Path, str]]:
    """Keep other batches out of a file's folder of results for the length of a ``with`` block.

    Args:
        file: of the batch's rows.
        out: the folder that was asked for; when ``None``, the file's name without its ending, or that with a number
            where another file's batch has it.
        keys: of the rows. By them a folder that does not say whose it is, of an earlier version, is known again.

    Yields:
        The folder, and the name of the other file that has the first choice; empty where none has.

    Raises:
        UserError: another batch is at work there, the folder asked for is another file's, or it can't be written to.
    """
    first = Path(out if out is not None else file.stem).expanduser()
    other = ""
    for number in itertools.count(1):
        folder = (first if number == 1 else first.with_name(f"{first.name}-{number}")).absolute()
        theirs = _other_file(folder, file, keys, given=out is not None)
        if not theirs:
            break
        if out is not None:
            raise UserError(
                f"{str(folder)!r} holds the batch of another file, {theirs!r}; give another folder with --out, or "
                f"remove {str(folder / MARK)!r} if it is the same file under another name"
            )
        other = other or theirs
    folder = make_folder(folder).absolute()
    with held(folder):
        _mark(folder, file)
        yield folder, other


def _other_file(folder: Path, file: Path, keys: Set[str], *, given: bool) -> str:
    """Return the name of the file that a folder's batch is of, if that is another one; else nothing."""
    try:
        marked = json.loads(read_regular(folder / MARK))
        name, digest = str(marked["file"])[:80], marked["from_here"]
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        if given or not (folder / FILE).exists() or not keys.isdisjoint(Journal(folder).done):
            return ""
        return file.name
    return "" if digest == _digest(folder, file) else name


def _mark(folder: Path, file: Path) -> None:
    text = json.dumps({"file": file.name, "from_here": _digest(folder, file)})
    write_whole(folder / MARK, text.encode("utf-8", "replace"), private=False)


def _digest(folder: Path, file: Path) -> str:
    place = os.path.realpath(file)
    with contextlib.suppress(ValueError):  # on another drive
        place = os.path.relpath(place, os.path.realpath(folder))
    return hashlib.sha256(os.path.normcase(place).encode("utf-8", "surrogatepass")).hexdigest()
