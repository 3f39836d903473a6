"""Folders and files as sources: what a picture shows is told beside it, in a table of the folder, or by a name."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from imagerag.errors import UserError
from imagerag.index.user.sources.beside import BESIDE, Beside, ending_of
from imagerag.index.user.sources.confinement import Confined
from imagerag.index.user.sources.fields import joined
from imagerag.index.user.sources.folder_tables import METADATA, FolderTables
from imagerag.index.user.sources.items import NO_LICENCE, Item, Origin, Wanted
from imagerag.index.user.sources.short_text import in_words, shown
from imagerag.index.user.sources.texts import TEXT_BYTES as TEXT_BYTES
from imagerag.store.files import cannot_read

SOURCES = {
    "csv": "csv",
    "tsv": "csv",
    "jsonl": "jsonl",
    "ndjson": "jsonl",
    "parquet": "hf-parquet",
    "tar": "webdataset",
}
"""Endings of files that are sources themselves, and their kinds."""
REPEATED = re.compile(r"[1-9][0-9]{0,2}_(.+)")
"""Kohya's folders: how often a picture is repeated, and what it shows."""
SPLITS = frozenset({"train", "test", "val", "valid", "validation", "dev", "images", "image", "img", "imgs", "data"})
"""Folders that say nothing of what their pictures show."""


class Listing(NamedTuple):
    """What lies in a folder.

    Attributes:
        files: what is taken for pictures, in order.
        tables: tables of imagefolder.
        others: JSON and texts that stand beside no picture.
        unread: folders that can't be looked into.
        links: links to folders.
    """

    files: list[str]
    tables: list[str]
    others: list[str]
    unread: list[OSError]
    links: list[str]


class FolderSource:
    """A file, or all files below a folder but hidden ones and those that describe others. Links to folders are not
    followed, but told.

    Args:
        root: absolute.
        licence: of what names none itself.
        confined: where what it reads may lie; below ``root`` unless given.
    """

    def __init__(self, root: Path, licence: str = NO_LICENCE, *, confined: Confined | None = None) -> None:
        self.root = root
        self._confined = confined or Confined(root)
        self.name = str(root)
        self._licence = licence

    def count(self) -> int:
        """See ``Source``."""
        return len(self._listing.files)

    def items(self, wanted: Wanted) -> Iterator[Item]:
        """See ``Source``."""
        listing, beside = self._listing, Beside(self._confined)
        documents = [other for other in listing.others if ending_of(other) == "json"]
        tables = FolderTables(listing.files, listing.tables, documents, beside)
        for file in listing.files:
            kind = SOURCES.get(ending_of(file))
            if kind:
                name = shown(file)
                problem = f"{name!r} is no picture, but may hold or name some; add it by itself, as {kind}:{name}"
                yield Item(name, Origin("file", name), problem=problem)
            else:
                yield file_item(file, self._licence, {}, beside, tables.of(file), label_of(file, self.root))
        for other in listing.others:
            if other not in documents:
                name = shown(other)
                problem = f"{name!r} describes no picture: none of this name is beside it"
                yield Item(name, Origin("file", name), problem=problem)
        for fault in tables.faults:
            yield Item(shown(fault.key), Origin("file", shown(fault.key)), problem=shown(fault.problem))
        for error in listing.unread:
            folder = shown(str(error.filename))
            yield Item(folder, Origin("file", folder), problem=str(cannot_read(folder, error)))
        for link in listing.links:
            problem = f"{link!r} is a link to a folder, which is not followed; add that folder by itself"
            yield Item(shown(link), Origin("file", shown(link)), problem=problem)

    def owns(self, key: str) -> bool:
        """See ``Source``. What lies in a folder that can't be looked into is not gone."""
        return _within(key, self.name) and not self.is_unread(key)

    def is_unread(self, key: str) -> bool:
        """Tell whether something lies in a folder that could not be looked into in this run."""
        return any(_within(key, str(error.filename)) for error in self._listing.unread)

    @cached_property
    def _listing(self) -> Listing:
        listing = Listing([], [], [], [], [])
        if not self.root.is_dir():
            listing.files.append(str(self.root))
            return listing
        for folder, folders, names in os.walk(self.root, onerror=listing.unread.append):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            listing.links.extend(path for name in folders if os.path.islink(path := os.path.join(folder, name)))
            _sort_in(listing, folder, [name for name in names if not name.startswith(".")])
        listing.files.sort()
        return listing


class FilesSource(FolderSource):
    """Single files of one folder, taken together: a shell makes thousands of ``*.jpg``.

    Args:
        folder: absolute, which they are in.
        files: absolute.
        licence: of what names none itself.
        allow_outside: whether what stands beside them may lie elsewhere; they themselves may, since they were named.
    """

    def __init__(
        self, folder: Path, files: Iterable[Path], licence: str = NO_LICENCE, *, allow_outside: bool = False
    ) -> None:
        self._these = frozenset(map(str, files))
        super().__init__(folder, licence, confined=Confined(folder, allow_outside=allow_outside, named=self._these))
        self.name = f"files in {folder}"

    def owns(self, key: str) -> bool:
        """See ``Source``."""
        return key in self._these

    @cached_property
    def _listing(self) -> Listing:
        listing = Listing([], [], [], [], [])
        _sort_in(listing, str(self.root), sorted(os.path.basename(file) for file in self._these))
        around = [str(self.root / name) for name in METADATA]
        listing.tables.extend(file for file in around if file not in listing.tables and os.path.isfile(file))
        return listing


def _sort_in(listing: Listing, folder: str, names: Iterable[str]) -> None:
    """Put the files of one folder where they belong; those that describe a picture are read with it."""
    describing = []
    stems = set()
    for name in names:
        path = os.path.join(folder, name)
        if name.lower() in METADATA:
            listing.tables.append(path)
        elif ending_of(name) in BESIDE:
            describing.append(name)
        else:
            listing.files.append(path)
            if ending_of(name) not in SOURCES:
                stems |= {name, os.path.splitext(name)[0]}
    listing.others.extend(os.path.join(folder, name) for name in describing if os.path.splitext(name)[0] not in stems)


def _within(key: str, folder: str) -> bool:
    return key == folder or key.startswith(folder.rstrip(os.sep) + os.sep)


def label_of(file: str, root: Path) -> str:
    """Return what the folder of a picture, somewhere below ``root``, says that it shows; empty if it says nothing.

    Kohya's ``10_red bird`` says it of all its pictures that have no text, even if their names say more. Other folders,
    as the classes of imagefolder, say it of those whose names say nothing.
    """
    folder, name = os.path.split(file)
    last = os.path.basename(folder)
    repeated = REPEATED.fullmatch(last)
    if repeated:
        return in_words(repeated[1])
    if str(root) in (file, folder) or _says(os.path.splitext(name)[0]) or last.lower() in SPLITS or not _says(last):
        return ""
    return in_words(last)


def _says(stem: str) -> bool:
    """Tell whether a name has a word in it: not a number, a digest, or what a camera writes."""
    camera = r"(img|dsc|dscn|dscf|pxl|mvi|image|img_e|pict|photo|picture|screenshot)[ _-]?[0-9_ -]*"
    digest = r"[0-9a-f]{8,}"
    plain = stem.lower()
    return bool(re.search(r"[^\W\d_]{2}", plain)) and not re.fullmatch(f"{camera}|{digest}", plain)


def file_item(
    file: str,
    licence: str,
    known: Mapping[str, str],
    beside: Beside,
    table: Mapping[str, str] | None = None,
    label: str = "",
) -> Item:
    """Return the item of a file.

    Args:
        file: absolute.
        licence: if nothing else names one.
        known: fields that go before what stands beside it.
        beside: finds that, and knows where files may lie.
        table: fields that come after it.
        label: its caption if nothing else says one.
    """
    origin = Origin("file", file)
    refusal = beside.confined.refusal(file)
    if refusal:
        return Item(shown(file), Origin("file", shown(file)), problem=refusal)
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
    try:
        fields = joined({"source": file, "licence": licence}, table or {}, beside.of(file), known)
    except UserError as error:
        return Item(file, origin, problem=str(error))
    name = Path(file).name
    title = fields.get("title", "")
    told = title if title != name else ""  # as in what Google's Takeout puts beside pictures
    fields.setdefault("caption", told or label or in_words(Path(file).stem) or name)
    return Item(file, origin, status.st_size, status.st_mtime_ns, **fields)  # type: ignore[arg-type]
