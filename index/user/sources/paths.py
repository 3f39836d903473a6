"""Paths of sources as a person writes them."""

from __future__ import annotations

import os
from pathlib import Path

from imagerag.errors import UserError
from imagerag.index.user.sources.short_text import shown


def matching(pattern: str, kind: str, ending: str) -> tuple[str, list[str]]:
    """Return a pattern made absolute, and the files it matches, in alphabetical order.

    Args:
        pattern: a file, or with ``*``, ``?`` and ``[...]``.
        kind: what is looked for, and ``ending`` of its files: for the error.

    Raises:
        UserError: none matches.
    """
    import glob

    absolute = str(home_expanded(pattern).absolute())
    files = [absolute] if os.path.isfile(absolute) else sorted(filter(os.path.isfile, glob.glob(absolute)))
    if not files:
        raise UserError(f"no file matches {absolute!r}; give the {kind} files, as in {kind}:shards/*.{ending}")
    for file in (absolute, *files):
        in_utf8(file)
    return absolute, files


def in_utf8(path: str | Path) -> None:
    """Check that a path can be kept: all that is in it is named by it.

    Raises:
        UserError: it is not valid UTF-8.
    """
    if shown(str(path)) != str(path):
        raise UserError(f"the name of {shown(str(path))!r} is not valid UTF-8; rename it")


def home_expanded(what: str) -> Path:
    """Return a path as a person writes it, with ``~`` expanded.

    Raises:
        UserError: it is somebody's home who is not known here.
    """
    try:
        return Path(what).expanduser()
    except RuntimeError as error:
        raise UserError(f"{what!r} names the home of somebody who is not known here; write the whole path") from error
