"""Reading a picture's bytes from where a source found them."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

from imagerag.errors import UserError
from imagerag.index.user.sources.items import Origin
from imagerag.regular_files import open_regular
from imagerag.store.files import cannot_read
from imagerag.store.picture_decoding import MAX_BYTES


def read_origin(origin: Origin) -> bytes:
    """Return the bytes.

    Raises:
        UserError: they are gone, not to be read, or more than a picture has.
    """
    return ORIGINS[origin.kind](origin)


def regular_file(path: Path) -> int:
    """Return a file's size in bytes.

    Raises:
        UserError: it is gone, or no file that ends when it is read, such as a named pipe.
    """
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        if isinstance(error, OSError):
            raise cannot_read(path, error) from error
        raise UserError(f"{str(path)!r} is no possible path; leave it out") from error
    if not stat.S_ISREG(status.st_mode):
        raise UserError(f"{str(path)!r} is no regular file; leave it out")
    return status.st_size


def _file(origin: Origin) -> bytes:
    return _part(Path(origin.file), 0, None)


def _tar(origin: Origin) -> bytes:
    """``place`` is ``offset+size`` in bytes, as an uncompressed archive holds them."""
    start, _, size = origin.place.partition("+")
    return _part(Path(origin.file), int(start), int(size))


def _part(path: Path, start: int, size: int | None) -> bytes:
    whole = regular_file(path)
    size = whole - start if size is None else size
    if size > MAX_BYTES:
        raise UserError(f"{str(path)!r} has {size / 2**20:.0f} MB at once; a picture has at most {MAX_BYTES >> 20}")
    if size <= 0:
        raise UserError(f"{str(path)!r} is empty")
    try:
        with open_regular(path) as file:
            file.seek(start)
            data = file.read(size)
    except OSError as error:
        raise cannot_read(path, error) from error
    if len(data) < size:
        raise UserError(f"{str(path)!r} ends within the picture; it was cut short")
    return data


def _parquet(origin: Origin) -> bytes:
    from imagerag.index.user.sources.parquet import read_cell

    return read_cell(origin)


def _url(origin: Origin) -> bytes:
    raise UserError(f"{origin.file!r} was never fetched; run: imagerag index add --allow-urls {origin.file!r}")


ORIGINS: dict[str, Callable[[Origin], bytes]] = {"file": _file, "tar": _tar, "parquet": _parquet, "url": _url}
