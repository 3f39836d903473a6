"""Which sources of pictures there are, by what stands before the colon: one table."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from imagerag.errors import UserError
from imagerag.index.user.sources.archives import TarSource, home_expanded, in_utf8, matching
from imagerag.index.user.sources.folders import FilesSource, FolderSource
from imagerag.index.user.sources.items import NO_LICENCE, Item, Source, Wanted
from imagerag.index.user.sources.tables import ManifestSource, ParquetSource
from imagerag.index.user.sources.urls import AddressSource, UrlFetcher
from imagerag.plugins import installed, make


class ReadOptions(NamedTuple):
    """How sources are read.

    Attributes:
        licence: of what names none itself.
        image_column, caption_column: of tables; found by their names if not given.
        allow_urls: whether addresses may be fetched.
        folder: where what was fetched is kept.
    """

    licence: str = NO_LICENCE
    image_column: str | None = None
    caption_column: str | None = None
    allow_urls: bool = False
    folder: Path = Path("fetched")

    @property
    def fetched(self) -> UrlFetcher:
        """What fetches addresses, or says that it may not."""
        return UrlFetcher(self.folder, self.allow_urls)


class Img2datasetSource:
    """A folder that img2dataset wrote: files with text and JSON beside them, tar shards, or Parquet shards.

    Args:
        root: absolute.
        reading: how.
    """

    def __init__(self, root: Path, reading: ReadOptions) -> None:
        self.root = root
        self.name = f"img2dataset:{root}"
        tars, tables = sorted(map(str, root.glob("*.tar"))), sorted(map(str, root.glob("*.parquet")))
        tables = [file for file in tables if _holds_pictures(file)]  # beside other shards it only tells of them
        self._parts: list[Source] = []
        if tars:
            self._parts.append(TarSource(str(root / "*.tar"), tars, reading.licence))
        if tables:
            columns = (reading.image_column, reading.caption_column)
            self._parts.append(ParquetSource(str(root / "*.parquet"), tables, reading.licence, *columns))
        for folder in sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith((".", "_"))):
            self._parts.append(FolderSource(folder, reading.licence))
        if not self._parts:
            raise UserError(
                f"{str(root)!r} holds no .tar, no .parquet with pictures and no folder; is it img2dataset's?"
            )

    def count(self) -> int:
        """See ``Source``."""
        return sum(part.count() for part in self._parts)

    def items(self, wanted: Wanted) -> Iterator[Item]:
        """See ``Source``."""
        for part in self._parts:
            yield from part.items(wanted)

    def owns(self, key: str) -> bool:
        """See ``Source``. What lies in a folder that can't be looked into is not gone."""
        if not key.startswith(str(self.root) + os.sep):
            return False
        return not any(isinstance(part, FolderSource) and part.is_unread(key) for part in self._parts)


def _folder(what: str, reading: ReadOptions) -> Source:
    return FolderSource(_named(what), reading.licence)


def _webdataset(what: str, reading: ReadOptions) -> Source:
    return TarSource(*matching(what, "webdataset", "tar"), reading.licence)


def _parquet(what: str, reading: ReadOptions) -> Source:
    files = matching(what, "hf-parquet", "parquet")
    columns = (reading.image_column, reading.caption_column)
    return ParquetSource(*files, reading.licence, *columns, fetched=reading.fetched)


def _img2dataset(what: str, reading: ReadOptions) -> Source:
    root = _named(what)
    if not root.is_dir():
        raise UserError(f"{str(root)!r} is no folder; give the output folder of img2dataset")
    return Img2datasetSource(root, reading)


def _manifest(what: str, kind: str, reading: ReadOptions) -> Source:
    columns = (reading.image_column, reading.caption_column)
    return ManifestSource(_named(what), kind, reading.licence, *columns, fetched=reading.fetched)


def _csv(what: str, reading: ReadOptions) -> Source:
    return _manifest(what, "csv", reading)


def _jsonl(what: str, reading: ReadOptions) -> Source:
    return _manifest(what, "jsonl", reading)


def _https(what: str, reading: ReadOptions) -> Source:
    return AddressSource(f"https:{what}", reading.licence, fetched=reading.fetched)


Opener = Callable[[str, ReadOptions], Source]

SOURCES: dict[str, Opener] = {
    "folder": _folder,
    "webdataset": _webdataset,
    "img2dataset": _img2dataset,
    "hf-parquet": _parquet,
    "csv": _csv,
    "jsonl": _jsonl,
    "https": _https,
}
"""Takes what stands behind the colon. Packages add kinds as entry points of the group ``imagerag.collections``."""


def _opener(kind: str) -> Opener | None:
    if kind in SOURCES:
        return SOURCES[kind]
    if kind in installed("collections"):
        return partial(make, "collections", kind)
    return None


def open_sources(sources: Sequence[str | Path | Source], reading: ReadOptions) -> list[Source]:
    """Return the sources that are meant: a path, ``KIND:WHAT``, or one that is open already.

    Raises:
        UserError: there is no such file, or it is none of that kind.
    """
    opened: list[Source] = []
    single: dict[Path, list[Path]] = {}
    for source in sources:
        if not isinstance(source, (str, Path)):
            opened.append(source)
            continue
        kind, colon, rest = str(source).partition(":")
        opener = _opener(kind) if isinstance(source, str) and colon and rest else None
        if opener is not None:
            opened.append(opener(rest, reading))
        else:
            path = _there(str(source))
            if path.is_dir():
                opened.append(_folder(str(source), reading))
            else:
                single.setdefault(path.parent, []).append(path)
    return [*opened, *(FilesSource(folder, files, reading.licence) for folder, files in single.items())]


def _named(what: str) -> Path:
    path = _there(what)
    in_utf8(path)
    return path


def _there(what: str) -> Path:
    if not what:
        raise UserError("a source is empty; give a folder or a file with pictures (. is the folder that you are in)")
    path = home_expanded(what).absolute()
    if not path.exists():
        kinds = ", ".join(f"{kind}:" for kind in [*SOURCES, *installed("collections")])
        raise UserError(f"{str(path)!r} does not exist; give a folder or a file with pictures, or one of {kinds}")
    return path


def _holds_pictures(file: str) -> bool:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        kinds = {field.name: field.type for field in pq.read_schema(file)}
    except (OSError, ValueError, pa.ArrowException):
        return True  # damaged: reading it says so
    return any(
        pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_struct(kind)
        for kind in kinds.values()
    )
