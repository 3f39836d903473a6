"""The folder that a person has of a public set, and what is said where something is not in it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from imagerag.errors import UserError

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"})
"""Endings of files that are taken for pictures, in lower case."""


@dataclass(frozen=True)
class DataFolder:
    """Where the files of a suite lie.

    Attributes:
        suite: its name.
        path: the folder, absolute.
        source: where the files are to be had.
    """

    suite: str
    path: Path
    source: str

    def file(self, *candidates: str) -> Path:
        """Return the first of these files that is there.

        Raises:
            UserError: none is.
        """
        return self.maybe_file(*candidates) or self._raise(candidates, "file")

    def folder(self, *candidates: str) -> Path:
        """Return the first of these folders that is there.

        Raises:
            UserError: none is.
        """
        found = next((self.path / name for name in candidates if (self.path / name).is_dir()), None)
        return found or self._raise(candidates, "folder")

    def maybe_file(self, *candidates: str) -> Path | None:
        """Return the first of these files that is there, or none."""
        return next((self.path / name for name in candidates if (self.path / name).is_file()), None)

    def relative(self, file: Path) -> str:
        """Return a file's path as suites hold it: relative to the folder, with slashes, where it lies in it."""
        return file.relative_to(self.path).as_posix() if file.is_relative_to(self.path) else str(file)

    def missing(self, what: str) -> UserError:
        """Return the error for something that the folder lacks."""
        return UserError(f"suite {self.suite!r} finds {what} in {str(self.path)!r}; get the set from {self.source}")

    def _raise(self, candidates: tuple[str, ...], kind: str) -> Path:
        raise self.missing(f"no {kind} {' or '.join(map(repr, candidates))}")


def pictures_in(folder: Path) -> list[Path]:
    """Return the picture files of a folder, not of those below it, by name."""
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if os.path.splitext(entry.name)[1].lower() in PICTURES]
    return [folder / name for name in sorted(names) if not name.startswith(".")]


def pictures_below(folder: Path) -> Iterator[Path]:
    """Yield the picture files below a folder, folder by folder, by name."""
    for root, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if os.path.splitext(name)[1].lower() in PICTURES and not name.startswith("."):
                yield Path(root, name)


def there(files: Iterable[Path]) -> tuple[list[Path], int]:
    """Return those of the files that exist, and how many do not."""
    listed = list(files)
    found = [file for file in listed if file.is_file()]
    return found, len(listed) - len(found)
