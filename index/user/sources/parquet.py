"""Tables as sources: Parquet with pictures in it or paths to them, and manifests in CSV and JSON lines."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from imagerag.errors import UserError, first_line
from imagerag.index.user.sources.folders import FIELDS, fields_of, one_line
from imagerag.index.user.sources.items import NO_LICENCE, Item, Origin, Wanted
from imagerag.index.user.sources.urls import UrlFetcher, is_https
from imagerag.index.user.sources.webdataset import SEPARATOR

IMAGE_COLUMNS = (
    "image",
    "jpg",
    "png",
    "webp",
    "picture",
    "img",
    "path",
    "file",
    "file_name",
    "filename",
    "image_path",
    "url",
    "URL",
)
"""Where pictures or paths to them are looked for when no column is named: Hugging Face's and img2dataset's names."""
ROWS = 64
"""Rows of pictures in memory at a time."""


class ParquetSource:
    """Parquet files with a column of pictures: bytes, Hugging Face's ``{bytes, path}``, or paths.

    Args:
        pattern: absolute; ``*`` and ``?`` as in a shell.
        files: what it matches now.
        licence: of rows that name none.
        image_column: the pictures' column; found by its name if not given.
        caption_column: the captions' column; found by its name if not given.
        fetched: fetches rows that name an https address instead; they are reported if not given.

    Raises:
        UserError: a file is no Parquet, or lacks the columns; names those it has.
    """

    def __init__(
        self,
        pattern: str,
        files: Sequence[str],
        licence: str = NO_LICENCE,
        image_column: str | None = None,
        caption_column: str | None = None,
        *,
        fetched: UrlFetcher | None = None,
    ) -> None:
        self._fetched = fetched or UrlFetcher(Path(pattern).parent, False)
        self.name = f"hf-parquet:{pattern}"
        self._pattern = pattern
        self._files = list(files)
        self._licence = licence
        self._caption = caption_column
        self._images = {file: _image_column(file, image_column, caption_column) for file in files}

    def count(self) -> int:
        """See ``Source``."""
        import pyarrow.parquet as pq

        return sum(int(pq.read_metadata(file).num_rows) for file in self._files)

    def items(self, wanted: Wanted) -> Iterator[Item]:
        """See ``Source``: the pictures are read only in groups of rows of which one is wanted."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        for name in self._files:
            try:
                with pq.ParquetFile(name, pre_buffer=False) as file:
                    yield from self._items(name, file, wanted)
            except (OSError, ValueError, pa.ArrowException) as error:
                yield Item(name, Origin("parquet", name), problem=f"{name!r} is damaged ({first_line(error)})")

    def owns(self, key: str) -> bool:
        """See ``Source``."""
        file, found, _ = key.partition(SEPARATOR)
        return bool(found) and fnmatch(file, self._pattern)

    def _items(self, name: str, file: Any, wanted: Wanted) -> Iterator[Item]:
        status = os.stat(name)
        column = self._images[name]
        names = {field for names in FIELDS.values() for field in names} | {self._caption}
        small = [field for field in file.schema_arrow.names if field in names and field != column]
        before = 0
        for group in range(file.num_row_groups):
            records = file.read_row_group(group, columns=small).to_pylist()
            if not small:
                records = [{} for _ in range(file.metadata.row_group(group).num_rows)]
            items = [self._item(name, status, column, before + at, record) for at, record in enumerate(records)]
            if self._of_paths(file, column) or any(wanted(item) for item in items):
                at = 0
                for part in file.iter_batches(ROWS, row_groups=[group], columns=[column]):
                    for cell in part.column(0):
                        yield self._filled(name, items[at], cell.as_py(), wanted)
                        at += 1
            else:
                yield from items
            before += len(items)

    def _item(self, name: str, status: os.stat_result, column: str, row: int, record: Mapping[str, Any]) -> Item:
        fields = fields_of(record)
        if self._caption and record.get(self._caption) is not None:
            fields["caption"] = one_line(str(record[self._caption]))
        key = f"{name}{SEPARATOR}{row}"
        known = {"caption": "", "title": "", "source": key, "licence": self._licence} | fields
        origin = Origin("parquet", name, f"{column}:{row}")
        return Item(key, origin, status.st_size, status.st_mtime_ns, **known)  # type: ignore[arg-type]

    @staticmethod
    def _of_paths(file: Any, column: str) -> bool:
        """Tell whether a column names files, which change without the table."""
        import pyarrow as pa

        kind = file.schema_arrow.field(column).type
        return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))

    def _filled(self, name: str, item: Item, cell: Any, wanted: Wanted) -> Item:
        data, path = _content(cell)
        if data is not None:
            return item._replace(data=data) if wanted(item) else item
        if not path:
            return item._replace(problem=f"{item.key!r} has no picture")
        if is_https(path):
            known = {"caption": item.caption, "title": item.title, "source": item.source, "licence": item.licence}
            fields = {field: value for field, value in known.items() if value and value != item.key}
            return self._fetched.item(item.key, path, self._licence, fields, wanted)
        place = os.path.join(os.path.dirname(name), path)
        item = item._replace(origin=Origin("file", place))
        try:
            status = os.stat(place)
        except (OSError, ValueError):
            return item  # reading it says why
        return item._replace(size=status.st_size, mtime=status.st_mtime_ns)


def read_cell(origin: Origin) -> bytes:
    """Return the picture in ``column:row`` of a Parquet file.

    Raises:
        UserError: it is gone.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    column, _, number = origin.place.rpartition(":")
    row = int(number)
    try:
        with pq.ParquetFile(origin.file, pre_buffer=False) as file:
            for group in range(file.num_row_groups):
                rows = file.metadata.row_group(group).num_rows
                if row >= rows:
                    row -= rows
                    continue
                for part in file.iter_batches(ROWS, row_groups=[group], columns=[column]):
                    if row < len(part):
                        data = _content(part.column(0)[row].as_py())[0]
                        if data is not None:
                            return data
                        break
                    row -= len(part)
                break
    except (OSError, ValueError, pa.ArrowException) as error:
        raise UserError(f"{origin.file!r} can't be read ({first_line(error)})") from error
    raise UserError(f"{origin.file!r} has no picture in {origin.place!r} any more; add it again")


def _content(cell: Any) -> tuple[bytes | None, str | None]:
    """Return the bytes of a cell, or else the path in it."""
    if isinstance(cell, Mapping):
        data, path = cell.get("bytes"), cell.get("path")
        return (data if isinstance(data, bytes) and data else None), path
    if isinstance(cell, bytes):
        return cell, None
    return None, str(cell) if cell else None


def _image_column(file: str, named: str | None, caption: str | None) -> str:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        names = list(pq.read_schema(file).names)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise UserError(f"{file!r} is no Parquet file, or damaged ({first_line(error)})") from error
    for wanted, option in ((named, "--image-column"), (caption, "--caption-column")):
        if wanted and wanted not in names:
            raise UserError(f"{file!r} has no column {wanted!r}; give {option} one of: {', '.join(names)}")
    found = named or next((name for name in IMAGE_COLUMNS if name in names), None)
    if found is None:
        raise UserError(f"{file!r} has no column of pictures; give --image-column one of: {', '.join(names)}")
    return found
