"""Which sources of pictures there are, by what stands before the colon: one table."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from imagerag.errors import UserError
from imagerag.index.user.sources.cells import pictures_in
from imagerag.index.user.sources.confinement import Confined
from imagerag.index.user.sources.csv_jsonl import ManifestSource
from imagerag.index.user.sources.folders import FilesSource, FolderSource
from imagerag.index.user.sources.img2dataset import Img2datasetSource
from imagerag.index.user.sources.items import Source
from imagerag.index.user.sources.parquet import ParquetSource
from imagerag.index.user.sources.paths import home_expanded, in_utf8, matching
from imagerag.index.user.sources.read_options import ReadOptions
from imagerag.index.user.sources.urls import AddressSource
from imagerag.index.user.sources.webdataset import TarSource
from imagerag.index.web.candidates import WebSource
from imagerag.index.web.names import web_source_names
from imagerag.plugins import installed, make
from imagerag.settings import MCP


def _within(root: Path, reading: ReadOptions) -> Confined:
    """Return where a folder, or a file that is named as one, may read."""
    named = () if root.is_dir() else (str(root),)
    return Confined(root if root.is_dir() else root.parent, allow_outside=reading.allow_outside, named=named)


def _of_pattern(pattern: str, files: Sequence[str], reading: ReadOptions) -> Confined:
    return Confined.of_pattern(pattern, files, allow_outside=reading.allow_outside)


def _folder(what: str, reading: ReadOptions) -> Source:
    root = _named(what)
    return FolderSource(root, reading.licence, confined=_within(root, reading))


def _webdataset(what: str, reading: ReadOptions) -> Source:
    files = matching(what, "webdataset", "tar")
    return TarSource(*files, reading.licence, confined=_of_pattern(*files, reading))


def _parquet(what: str, reading: ReadOptions) -> Source:
    files = matching(what, "hf-parquet", "parquet")
    columns = (reading.image_column, reading.caption_column)
    confined = _of_pattern(*files, reading)
    return ParquetSource(*files, reading.licence, *columns, fetched=reading.fetched, confined=confined)


def _img2dataset(what: str, reading: ReadOptions) -> Source:
    root = _named(what)
    if not root.is_dir():
        raise UserError(f"{str(root)!r} is no folder; give the output folder of img2dataset")
    return Img2datasetSource(root, reading)


def _manifest(what: str, kind: str, reading: ReadOptions) -> Source:
    columns = (reading.image_column, reading.caption_column)
    return ManifestSource(
        _named(what),
        kind,
        reading.licence,
        *columns,
        fetched=reading.fetched,
        allow_outside=reading.allow_outside,
    )


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


def _web(kind: str, what: str, reading: ReadOptions) -> Source:
    from imagerag.index.web.registry import open_web_source

    return _found(lambda: open_web_source(kind), kind, what, reading)


def _mcp(what: str, reading: ReadOptions) -> Source:
    """Return what an image search of a mounted MCP server finds: ``WORDS``, or ``NAME:WORDS`` of one of several."""
    name, colon, rest = what.partition(":")
    is_named = bool(colon) and not any(sign.isspace() for sign in name)
    kind, words = (f"{MCP}:{name}", rest) if is_named else (MCP, what)
    mcp = reading.mcp
    if mcp is None:
        raise UserError(f"'{kind}:{words}' is the search of an MCP server, of which none is named here")
    return _found(lambda: mcp(kind), kind, words, reading)


def _service(kind: str, what: str, reading: ReadOptions) -> Source:
    def opened() -> WebSource:
        source = make("searches", kind, reading.home)
        if not isinstance(source, WebSource):
            raise UserError(f"{kind!r} is a search service that gives no pictures away; look them up with --library")
        return source

    return _found(opened, kind, what, reading)


def _found(opened: Callable[[], WebSource], kind: str, what: str, reading: ReadOptions) -> Source:
    from imagerag.index.user.sources.web import WebItems

    words = " ".join(what.split())
    if not words:
        raise UserError(f"{kind}: names nothing to look for; give words, as in {kind}:'scarlet ibis'")
    if reading.offline:
        raise UserError(f"'{kind}:{words}' is on the web; leave --offline out to ask for it")
    if reading.most < 1:
        raise UserError(f"--max {reading.most} is below 1; give how many pictures are taken at most")
    return WebItems(
        opened(),
        words,
        reading.most,
        reading.folder,
        reading.policy,
        reading.sensitive,
        reading.home,
        reading.tell,
    )


def _opener(kind: str) -> Opener | None:
    if kind in SOURCES:
        return SOURCES[kind]
    if kind in web_source_names():
        return partial(_web, kind)
    if kind == MCP:
        return _mcp
    if kind in installed("collections"):
        return partial(make, "collections", kind)
    if kind in installed("searches"):
        return partial(_service, kind)
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
        what = str(source)
        if opener is None and isinstance(source, str) and "://" in what:
            what, opener, rest = _address(what)
        if opener is not None:
            opened.append(opener(rest, reading))
        else:
            path = _there(what)
            if path.is_dir():
                opened.append(_folder(what, reading))
            else:
                single.setdefault(path.parent, []).append(path)
    return [*opened, *(_files(folder, files, reading) for folder, files in single.items())]


def _files(folder: Path, files: Sequence[Path], reading: ReadOptions) -> Source:
    return FilesSource(folder, files, reading.licence, allow_outside=reading.allow_outside)


def _address(what: str) -> tuple[str, Opener | None, str]:
    """Return an address as a path, or what opens it and is to be opened.

    Raises:
        UserError: it is of a kind that is not fetched.
    """
    for picture in pictures_in(what):
        if picture.problem and not os.path.exists(what):
            raise UserError(picture.problem)
        if picture.url:
            return what, _https, picture.url.partition(":")[2]
        what = picture.path or what
    return what, None, ""


def _named(what: str) -> Path:
    path = _there(what)
    in_utf8(path)
    return path


def _there(what: str) -> Path:
    if not what:
        raise UserError("a source is empty; give a folder or a file with pictures (. is the folder that you are in)")
    path = home_expanded(what).absolute()
    if not os.path.exists(path):  # Path.exists raises where a name is too long
        known = [*SOURCES, *web_source_names(), MCP, *installed("collections"), *installed("searches")]
        kinds = ", ".join(f"{kind}:" for kind in dict.fromkeys(known))
        raise UserError(f"{str(path)!r} does not exist; give a folder or a file with pictures, or one of {kinds}")
    return path
