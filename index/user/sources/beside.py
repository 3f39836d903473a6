"""Files beside a picture that tell what it shows: ``x.txt``, ``x.caption``, ``x.json``, ``x.jpg.txt`` of ``x.jpg``."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from imagerag.errors import UserError
from imagerag.index.user.sources.confinement import Confined
from imagerag.index.user.sources.fields import described, fields_of, joined, with_tags
from imagerag.index.user.sources.json_bounds import check_values
from imagerag.index.user.sources.short_text import CAPTION_LENGTH, one_line
from imagerag.index.user.sources.texts import TEXT_BYTES, decode_text
from imagerag.regular_files import open_regular
from imagerag.store.files import cannot_read

CAPTIONS = ("caption", "text")
"""Endings of texts that are captions; ``txt`` is one, or Kohya's tags where there is such a caption, too."""
TEXTS = (*CAPTIONS, "txt")
BESIDE = (*TEXTS, "json")
"""Endings, in any case, of files that describe the picture of the same name, with its own ending or without."""
_FOLDERS = 256
"""Folders whose files are kept in memory."""

Read = Callable[[], bytes]


class Described(NamedTuple):
    """A file that describes a picture.

    Attributes:
        name: for notes and errors.
        size: bytes.
        read: returns its first ``TEXT_BYTES`` + 1 bytes.
    """

    name: str
    size: int
    read: Read


def ending_of(name: str) -> str:
    """Return what stands behind the last dot of a file's name, in lower case; empty without a dot."""
    return os.path.splitext(name)[1][1:].lower()


def told_by(files: Mapping[str, Described], *, whole: bool = False) -> dict[str, str]:
    """Return the fields that files beside a picture tell, with notes on what of them was left out.

    Args:
        files: by their endings, of ``BESIDE``.
        whole: whether all lines of a text are its caption, or the first alone.

    Raises:
        UserError: JSON is broken: what it says, the licence among it, would be lost.
    """
    found = [_told_by_json(files["json"])] if "json" in files else []
    texts = {ending: _told_by_text(files[ending], whole) for ending in TEXTS if ending in files}
    caption = next((texts[ending]["caption"] for ending in CAPTIONS if texts.get(ending, {}).get("caption")), "")
    tags = texts.get("txt", {}).get("caption", "")
    found += texts.values()
    if caption or tags:
        found.append({"caption": with_tags(caption, tags)[:CAPTION_LENGTH]})
    return joined(*found)


def read_json(data: bytes, name: str) -> Any:
    """Return what JSON says, in any encoding of Unicode.

    Raises:
        UserError: it is no JSON.
    """
    text = decode_text(data, name).text
    check_values(text, name)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{name!r} is no JSON ({error}); correct or remove it") from error


def _told_by_json(file: Described) -> dict[str, str]:
    if file.size > TEXT_BYTES:
        # Half of it would be no JSON, and the picture is none the worse.
        return {"note": f"is described by {file.name!r}, which was not read: it has {file.size / 2**20:.0f} MB"}
    data = file.read()
    text, guessed = decode_text(data, file.name)
    if not text.strip():
        return {"note": f"is described by {file.name!r}, which is empty"}
    fields = described(read_json(data, file.name))
    if fields is None:
        return {"note": f"is described by {file.name!r}, which was not read: it is no object"}
    return joined(fields, {"note": guessed} if guessed else {})


def _told_by_text(file: Described, whole: bool) -> dict[str, str]:
    try:
        text, note = decode_text(file.read()[:TEXT_BYTES], file.name)
    except UserError as error:
        return {"note": f"is described by a file that was not read: {error}"}
    lines = [line for line in text.split("\n") if line.strip()]
    said = one_line(text if whole else next(iter(lines), ""))
    notes = [note] if note else []
    if len(lines) > 1 and not whole:
        more = f"{len(lines) - 1} more line{'s' if len(lines) > 2 else ''}"
        notes.append(f"is described by {file.name!r}, which has {more}; its first line is the caption")
    fields = fields_of({"caption": said})
    return joined(fields, *({"note": note} for note in notes))


class Beside:
    """What stands beside pictures in folders; each folder is looked into once.

    Args:
        confined: where files may lie to be read.
    """

    def __init__(self, confined: Confined) -> None:
        self.confined = confined
        self._folders: dict[str, dict[str, list[str]]] = {}

    def of(self, file: str) -> dict[str, str]:
        """Return what the files beside a picture say of it; see ``told_by``. Of those that lie outside, a note.

        Raises:
            UserError: one of them can't be read, or is broken JSON.
        """
        folder, name = os.path.split(file)
        names = self._names(folder)
        found: dict[str, Described] = {}
        notes: list[str] = []
        for stem in (os.path.splitext(name)[0], name):  # x.jpg.txt is nearer than x.txt
            for other in names.get(stem, ()):
                path = os.path.join(folder, other)
                if ending_of(other) not in BESIDE or other == name or not os.path.isfile(path):
                    continue
                refusal = self.confined.refusal(path)
                if refusal:
                    notes.append(f"is described by a file that was not read: {refusal}")
                else:
                    found[ending_of(other)] = _file(path)
        return joined(told_by(found), *({"note": note} for note in notes))

    def named(self, folder: str, stem: str, endings: frozenset[str]) -> str | None:
        """Return the first file of a folder that is called so but for its ending, one of ``endings``."""
        there = (name for name in self._names(folder).get(stem, ()) if ending_of(name) in endings)
        return next((os.path.join(folder, name) for name in there), None)

    def _names(self, folder: str) -> dict[str, list[str]]:
        """Return the names of a folder's files by their stems, those in lower case last; none if it can't be listed."""
        if folder not in self._folders:
            if len(self._folders) >= _FOLDERS:
                self._folders.clear()
            by_stem: dict[str, list[str]] = {}
            try:
                names = sorted(os.listdir(folder))
            except OSError:
                names = []
            for name in names:
                by_stem.setdefault(os.path.splitext(name)[0], []).append(name)
            self._folders[folder] = by_stem
        return self._folders[folder]


def _file(path: str) -> Described:
    def read() -> bytes:
        try:
            with open_regular(path) as opened:
                return opened.read(TEXT_BYTES + 1)
        except OSError as error:
            raise cannot_read(path, error) from error

    try:
        return Described(path, os.stat(path).st_size, read)
    except OSError as error:
        raise cannot_read(path, error) from error
