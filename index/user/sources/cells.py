"""Pictures in the cells of tables: bytes, base64, paths, addresses, or a list of these."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from imagerag.index.user.sources.fields import DEPTH, plain_name
from imagerag.index.user.sources.short_text import shortened, shown
from imagerag.store.data_urls import decoded, is_data_url, picture_of_base64

IMAGE_COLUMNS = (
    "image",
    "jpg",
    "jpeg",
    "png",
    "webp",
    "picture",
    "photo",
    "img",
    "images",
    "path",
    "file",
    "file_name",
    "file_names",
    "filename",
    "filenames",
    "filepath",
    "file_path",
    "image_path",
    "image_file",
    "image_filename",
    "image_name",
    "img_path",
    "impath",
    "img_name",
    "local_path",
    "src",
    "image_src",
    "img_src",
    "url",
    "image_url",
    "img_url",
)
"""Where pictures or paths to them are looked for when no column is named, as ``plain_name`` writes them: names of
Hugging Face, img2dataset, open_clip and Kohya's scripts; then imagefolder's ``*_file_name`` and ``*_file_names``."""
_FILE_NAMES = re.compile(r"(.+_)?file_names?")
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]+)://")
LONGEST_PATH = 4096
"""Characters of a path or an address; longer text names nothing."""
_SHOWN = 200
_INSIDE = ("bytes", "data", "base64", "b64_json", "path", "file_name", "filename", "src", "url", "image_url")
"""Of an object in place of a picture: Hugging Face's, its viewer's, and those of OpenAI's messages."""


class PictureCell(NamedTuple):
    """One picture of a cell; one of the attributes is set.

    Attributes:
        data: its bytes.
        path: of its file, as the table writes it.
        url: its https address.
        problem: why there is none, in one line.
    """

    data: bytes | None = None
    path: str = ""
    url: str = ""
    problem: str = ""


def image_columns(names: Sequence[object]) -> list[str]:
    """Return those of a table's columns in which pictures are looked for, the likeliest first."""
    plain = {plain_name(name): str(name) for name in reversed(names) if name is not None}
    known = [plain[name] for name in IMAGE_COLUMNS if name in plain]
    return known + [name for plain, name in plain.items() if name not in known and _FILE_NAMES.fullmatch(plain)]


def file_names(record: Mapping[Any, Any]) -> list[str]:
    """Return the paths in a record that describes pictures of a folder: of ``file_name`` and its kin, or else any."""
    by_name = [cell for name, cell in record.items() if _FILE_NAMES.fullmatch(plain_name(name))]
    others = (record[name] for name in image_columns(list(record)) if record.get(name))
    cells = by_name if any(by_name) else [next(others, None)]
    return [picture.path for cell in cells for picture in pictures_in(cell) if picture.path]


def pictures_in(cell: Any, depth: int = DEPTH) -> list[PictureCell]:
    """Return the pictures of a cell; none of an empty one.

    Args:
        cell: its value.
        depth: lists and objects within each other that are looked into.
    """
    return list(_pictures(cell, depth))


def _pictures(cell: Any, depth: int) -> Iterator[PictureCell]:
    if depth < 0 or cell is None or isinstance(cell, bool) or (isinstance(cell, float) and cell != cell):
        return
    if isinstance(cell, bytes):
        if cell:
            yield PictureCell(picture_of_base64(cell.decode("latin-1")) or cell)
    elif isinstance(cell, str):
        yield from _of_text(cell.strip(), depth)
    elif isinstance(cell, Mapping):
        inside = {plain_name(name): value for name, value in cell.items()}
        yield from next(filter(None, (pictures_in(inside.get(name), depth - 1) for name in _INSIDE)), [])
    elif isinstance(cell, Sequence):
        for one in cell:
            yield from _pictures(one, depth - 1)
    else:
        yield from _of_text(str(cell), depth)


def _of_text(text: str, depth: int) -> Iterator[PictureCell]:
    if not text:
        return
    if text.startswith("[") and text.endswith("]"):
        try:
            listed = json.loads(text)
        except (ValueError, RecursionError):
            listed = None
        if isinstance(listed, list):
            yield from _pictures(listed, depth - 1)
            return
    yield _one_of_text(text)


def _one_of_text(text: str) -> PictureCell:
    short = shortened(shown(text), _SHOWN)
    if is_data_url(text):
        data = _of_data_url(text)
        return PictureCell(data) if data else PictureCell(problem=f"{short!r} is no data address of a picture")
    found = _SCHEME.match(text)
    if found:
        scheme = found[1].lower()
        try:
            inside = unquote(urlsplit(text).path)
        except ValueError as error:
            return PictureCell(problem=f"{short!r} is no address ({error})")
        if scheme == "https":
            return PictureCell(url=shown(text)) if len(text) <= LONGEST_PATH else _too_long(short)
        if scheme == "file":
            return PictureCell(path=shown(inside))
        if scheme == "http":
            problem = f"{short!r} is an http address; only https is fetched: write https:// if the server has it"
            return PictureCell(problem=f"{problem}, or download the picture and give its path")
        problem = f"{short!r}: {scheme!r} addresses are not fetched; download the picture and give its path"
        return PictureCell(problem=problem)
    data = picture_of_base64(text)
    if data is not None:
        return PictureCell(data)
    return PictureCell(path=shown(text)) if len(text) <= LONGEST_PATH else _too_long(short)


def _too_long(short: str) -> PictureCell:
    return PictureCell(problem=f"{short!r} is no path, no address, and no picture in base64")


def _of_data_url(text: str) -> bytes | None:
    try:
        return decoded(text)
    except ValueError:
        return None
