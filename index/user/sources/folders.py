"""Folders and single files as sources; what a picture shows stands in a text or JSON file beside it, or in its name."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from imagerag.errors import UserError
from imagerag.index.user.sources.items import NO_LICENCE, Item, Origin, Wanted
from imagerag.store.files import cannot_read

CAPTION_LENGTH = 500
BESIDE = (".txt", ".json")
FIELDS = {
    "caption": ("caption", "text", "TEXT", "alt"),
    "title": ("title",),
    "source": ("source", "url", "URL"),
    "licence": ("licence", "license", "LICENSE"),
}
"""What the fields of an item are called in JSON beside pictures, and in tables: img2dataset's names among them."""
TEXT_BYTES = 2**20
"""Longer texts beside a picture are no captions."""


class FolderSource:
    """A file, or all files below a folder but hidden ones and those that describe others. Links to folders are not
    followed, but told.

    Args:
        root: absolute.
        licence: of what names none itself.
    """

    def __init__(self, root: Path, licence: str = NO_LICENCE) -> None:
        self.root = root
        self.name = str(root)
        self._licence = licence
        self._unread: list[OSError] = []
        self._links: list[str] = []

    def count(self) -> int:
        """See ``Source``."""
        return len(self._files)

    def items(self, wanted: Wanted) -> Iterator[Item]:
        """See ``Source``."""
        for file in self._files:
            yield file_item(file, self._licence, {})
        for error in self._unread:
            folder = shown(str(error.filename))
            yield Item(folder, Origin("file", folder), problem=str(cannot_read(folder, error)))
        for link in self._links:
            problem = f"{link!r} is a link to a folder, which is not followed; add that folder by itself"
            yield Item(shown(link), Origin("file", shown(link)), problem=problem)

    def owns(self, key: str) -> bool:
        """See ``Source``. What lies in a folder that can't be looked into is not gone."""
        return _within(key, self.name) and not self.is_unread(key)

    def is_unread(self, key: str) -> bool:
        """Tell whether something lies in a folder that could not be looked into in this run."""
        return any(_within(key, str(error.filename)) for error in self._unread)

    @cached_property
    def _files(self) -> list[str]:
        return sorted(_below(self.root, self._unread, self._links))


class FilesSource(FolderSource):
    """Single files of one folder, taken together: a shell makes thousands of ``*.jpg``.

    Args:
        folder: absolute, which they are in.
        files: absolute.
        licence: of what names none itself.
    """

    def __init__(self, folder: Path, files: Iterable[Path], licence: str = NO_LICENCE) -> None:
        super().__init__(folder, licence)
        self.name = f"files in {folder}"
        self._files = sorted(set(map(str, files)))
        self._these = frozenset(self._files)

    def owns(self, key: str) -> bool:
        """See ``Source``."""
        return key in self._these


def _within(key: str, folder: str) -> bool:
    return key == folder or key.startswith(folder.rstrip(os.sep) + os.sep)


def file_item(file: str, licence: str, known: Mapping[str, str]) -> Item:
    """Return the item of a file; what is ``known`` of it goes before what stands beside it."""
    origin = Origin("file", file)
    try:
        file.encode("utf-8")
        status = os.stat(file)
    except UnicodeEncodeError:
        key = shown(file)
        return Item(key, origin, problem=f"the name of {key!r} is not valid UTF-8; rename it")
    except OSError as error:
        return Item(file, origin, problem=str(cannot_read(file, error)))
    except ValueError:
        return Item(file, origin, problem=f"{file!r} is no possible path")
    fields = {"source": file, "licence": licence}
    try:
        fields |= _beside(Path(file)) | dict(known)
    except UserError as error:
        return Item(file, origin, problem=str(error))
    fields.setdefault("caption", in_words(Path(file).stem) or Path(file).name)
    return Item(file, origin, status.st_size, status.st_mtime_ns, **fields)  # type: ignore[arg-type]


def shown(text: str) -> str:
    r"""Return a text with what is not valid UTF-8 written out, as ``\udcff``: no report or row takes it as it is."""
    return text.encode("utf-8", "backslashreplace").decode()


def fields_of(record: Mapping[str, Any]) -> dict[str, str]:
    """Return what a record of a table, or a JSON object, tells of a picture, by our names; only what is there."""
    found = {}
    for field, names in FIELDS.items():
        value = next((record[name] for name in names if record.get(name) not in (None, "")), None)
        if value is not None and (text := one_line(str(value))):
            found[field] = text
    return found


def one_line(text: str) -> str:
    """Return a text in one line of a sensible length, without halves of characters, which no file takes."""
    return " ".join(text.encode("utf-8", "replace").decode().split())[:CAPTION_LENGTH]


def in_words(stem: str) -> str:
    """Return a file's name in words."""
    return " ".join(stem.replace("_", " ").replace("-", " ").split())


def read_json(text: str | bytes, name: str) -> dict[str, str]:
    """Return the fields of a JSON object.

    Raises:
        UserError: it is none.
    """
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{name!r} is no JSON ({error}); correct or remove it") from error
    return fields_of(record) if isinstance(record, dict) else {}


def _beside(file: Path) -> dict[str, str]:
    """Return what the JSON and the first line of the text beside a picture say; the text is the caption."""
    found: dict[str, str] = {}
    for ending in reversed(BESIDE):
        beside = file.with_suffix(ending)
        if beside == file or not beside.is_file():
            continue
        try:
            if beside.stat().st_size > TEXT_BYTES and ending == ".json":
                continue  # half of it would be no JSON, and the picture is none the worse; in archives, too
            with beside.open("rb") as opened:
                text = opened.read(TEXT_BYTES).decode("utf-8", "replace")
        except OSError as error:
            raise cannot_read(beside, error) from error
        if ending == ".json":
            found |= read_json(text, str(beside))
        elif line := one_line(text.split("\n")[0]):
            found["caption"] = line
    return found


def _below(root: Path, unread: list[OSError], links: list[str]) -> Iterator[str]:
    """Yield the files below a folder; folders that can't be looked into are put into ``unread`` and ``links``."""
    if not root.is_dir():
        yield str(root)
        return
    for folder, folders, names in os.walk(root, onerror=unread.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        links += [path for name in folders if os.path.islink(path := os.path.join(folder, name))]
        stems = {os.path.splitext(name)[0] for name in names if not name.endswith(BESIDE)}
        for name in names:
            describes_another = name.endswith(BESIDE) and os.path.splitext(name)[0] in stems
            if not name.startswith(".") and not describes_another:
                yield os.path.join(folder, name)
