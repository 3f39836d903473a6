"""Where a source may read: within its own root, wherever links and paths in it lead."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from imagerag.index.user.sources.short_text import shortened, shown

FLAG = "--allow-outside"
_MAGIC = frozenset("*?[")
_SHOWN = 300
_FOLDERS = 1024
"""Folders whose real places are kept in memory."""


class Confined:
    """The root of a source, out of which nothing is read unless it is allowed.

    A collection may be anybody's: a link in it, or a path in a table, could make a private file a caption that everyone
    who searches is shown. Hard links can't be told from files of the collection's own.

    Args:
        root: absolute; may be a link itself, since a person named it.
        allow_outside: whether all may be read.
        named: absolute paths of files that a person named one by one, which may be links.
    """

    def __init__(self, root: str | Path, *, allow_outside: bool = False, named: Iterable[str] = ()) -> None:
        self.root = str(root)
        self.allow_outside = allow_outside
        self._named = frozenset(named)
        self._folders: dict[str, str] = {}
        self._real = _compared(os.path.realpath(self.root))

    @classmethod
    def of_pattern(cls, pattern: str, files: Iterable[str], *, allow_outside: bool = False) -> Confined:
        """Return that of files found by a pattern: the folder before its first ``*``, ``?`` or ``[``.

        A pattern that is a file's own name names it.
        """
        if pattern in files:
            return cls(os.path.dirname(pattern), allow_outside=allow_outside, named=[pattern])
        folder = pattern
        while _MAGIC & set(folder):
            folder = os.path.dirname(folder)
        return cls(folder if folder != pattern else os.path.dirname(pattern), allow_outside=allow_outside)

    def refusal(self, path: str) -> str:
        """Return why a file is not read, in one line with the way out; empty if it may be.

        Args:
            path: absolute; need not be there.
        """
        if self.allow_outside or path in self._named:
            return ""
        try:
            real = _compared(self._real_place(path))
        except (OSError, ValueError):
            return ""  # no possible path, or a ring of links: reading it says so
        if real == self._real or real.startswith(self._real.rstrip(os.sep) + os.sep):
            return ""
        place, root = shortened(shown(path), _SHOWN), shortened(shown(self.root), _SHOWN)
        how = "is a link that leads" if os.path.islink(path) else "lies"
        return f"{place!r} {how} outside {root!r}; give {FLAG} to read what lies elsewhere, if you trust what names it"

    def _real_place(self, path: str) -> str:
        """Return a path without links; those of its folder are followed once for all its files."""
        folder, name = os.path.split(path)
        if name in ("", os.curdir, os.pardir) or os.path.islink(path):
            return os.path.realpath(path)
        if folder not in self._folders:
            if len(self._folders) >= _FOLDERS:
                self._folders.clear()
            self._folders[folder] = os.path.realpath(folder)
        return os.path.join(self._folders[folder], name)


def _compared(path: str) -> str:
    return os.path.normcase(path)
