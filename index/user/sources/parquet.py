"""Parquet as a source: with pictures in it, one or several in a row, or with paths and addresses of them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from imagerag.errors import UserError, first_line
from imagerag.index.user.sources.beside import Beside
from imagerag.index.user.sources.cells import PictureCell, image_columns, pictures_in
from imagerag.index.user.sources.confinement import Confined
from imagerag.index.user.sources.fields import fields_of, joined, tells_of_picture, words_of
from imagerag.index.user.sources.items import NO_LICENCE, SEPARATOR, Item, Origin, Wanted
from imagerag.index.user.sources.named_files import file_named
from imagerag.index.user.sources.origins import regular_file
from imagerag.index.user.sources.parquet_bounds import rows_at_a_time, too_large
from imagerag.index.user.sources.short_text import CAPTION_LENGTH, in_words, listed, one_line, shortened
from imagerag.index.user.sources.texts import TEXT_BYTES
from imagerag.index.user.sources.urls import UrlFetcher

ROWS = 64
"""Rows of pictures in memory at a time, at most."""
STATUS = ("status", "error_message")
"""Columns of img2dataset that tell why a row has no picture."""


class ParquetSource:
    """Parquet with a column of pictures: bytes, base64, Hugging Face's ``{bytes, path}``, paths, or lists of these.

    Args:
        pattern: absolute; ``*`` and ``?`` as in a shell.
        files: what it matches now.
        licence: of rows that name none.
        image_column: the pictures' column; found by its name if not given.
        caption_column: the captions' column; found by its name if not given.
        fetched: fetches rows that name an https address instead; they are reported if not given.
        confined: where it and files that it names may lie; in the pattern's folder unless given.

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
        confined: Confined | None = None,
    ) -> None:
        self._confined = confined or Confined.of_pattern(pattern, files)
        self._fetched = fetched or UrlFetcher(Path(pattern).parent, False)
        self.name = f"hf-parquet:{pattern}"
        self._pattern = pattern
        self._refused = {file: refusal for file in files if (refusal := self._confined.refusal(file))}
        self._files = [file for file in files if file not in self._refused]
        self._licence = licence
        self._caption = caption_column
        self._images = {file: _image_column(file, image_column, caption_column) for file in self._files}

    def count(self) -> int:
        """See ``Source``."""
        import pyarrow.parquet as pq

        found = len(self._refused)
        for name in self._files:
            metadata, column = pq.read_metadata(name), self._images[name]
            if not _is_list(pq.read_schema(name).field(column).type):
                found += int(metadata.num_rows)
                continue
            paths = [str(metadata.schema.column(at).path) for at in range(metadata.num_columns)]
            leaf = next(at for at, path in enumerate(paths) if path.startswith(f"{column}."))
            groups = range(metadata.num_row_groups)
            found += sum(int(metadata.row_group(group).column(leaf).num_values) for group in groups)
        return found

    def items(self, wanted: Wanted) -> Iterator[Item]:
        """See ``Source``: the pictures are read only in groups of rows of which one is wanted."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        for name, refusal in self._refused.items():
            yield Item(name, Origin("parquet", name), problem=refusal)
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
        status, beside = os.stat(name), Beside(self._confined)
        column = self._images[name]
        small = [
            field
            for field in file.schema_arrow.names
            if field != column and (tells_of_picture(field) or field == self._caption or field in STATUS)
        ]
        kind = file.schema_arrow.field(column).type
        before = 0
        for group in range(file.num_row_groups):
            if problem := too_large(file.metadata.row_group(group), [column, *small]):
                key = f"{name}{SEPARATOR}{before}"
                yield Item(key, Origin("parquet", name), problem=f"group {group} of {name!r} {problem}")
                before += file.metadata.row_group(group).num_rows
                continue
            records = []
            if small:
                rows = rows_at_a_time(file.metadata.row_group(group), small, 1024)
                for part in file.iter_batches(rows, row_groups=[group], columns=small):
                    records += [_shortened(record) for record in part.to_pylist()]
            else:
                records = [{} for _ in range(file.metadata.row_group(group).num_rows)]
            items = [self._item(name, status, column, before + at, record) for at, record in enumerate(records)]
            unread = _unread(file, group, column, items) if _is_list(kind) else items
            if unread is None or _is_text(kind) or any(wanted(item) for item in unread):
                at = 0
                rows = rows_at_a_time(file.metadata.row_group(group), [column], ROWS)
                for part in file.iter_batches(rows, row_groups=[group], columns=[column]):
                    for cell in part.column(0):
                        if at < len(items):
                            yield from self._pictures(name, items[at], records[at], cell.as_py(), wanted, beside)
                        at += 1
                if at != len(items):
                    told = f"its group {group} has {at} pictures, and {len(items)} rows beside them"
                    yield Item(name, Origin("parquet", name), problem=f"{name!r} is damaged ({told})")
            else:
                yield from unread
            before += len(items)

    def _item(self, name: str, status: os.stat_result, column: str, row: int, record: Mapping[str, Any]) -> Item:
        fields = fields_of(record, self._caption)
        key = f"{name}{SEPARATOR}{row}"
        known = joined({"caption": fields.get("title", ""), "source": key, "licence": self._licence}, fields)
        origin = Origin("parquet", name, f"{column}:{row}")
        return Item(key, origin, status.st_size, status.st_mtime_ns, **known)  # type: ignore[arg-type]

    def _pictures(
        self, name: str, item: Item, record: Mapping[str, Any], cell: Any, wanted: Wanted, beside: Beside
    ) -> Iterator[Item]:
        pictures = pictures_in(cell)
        if not pictures:
            why = words_of([record.get(column) for column in STATUS], ": ")
            yield item._replace(problem=f"{item.key!r} has no picture" + (f" ({shortened(why, 200)})" if why else ""))
        several = len(pictures) > 1 or (isinstance(cell, Sequence) and not isinstance(cell, (str, bytes)))
        for place, picture in enumerate(pictures):
            yield self._filled(name, _one_of(item, place) if several else item, picture, wanted, beside)

    def _filled(self, name: str, item: Item, picture: PictureCell, wanted: Wanted, beside: Beside) -> Item:
        if picture.data is not None:
            return item._replace(data=picture.data) if wanted(item) else item
        if picture.problem:
            return item._replace(problem=f"{item.key!r}: {picture.problem}")
        if picture.url:
            known = {"caption": item.caption, "title": item.title, "source": item.source, "licence": item.licence}
            known["note"] = item.note
            fields = {field: value for field, value in known.items() if value and value != item.key}
            return self._fetched.item(item.key, picture.url, self._licence, fields, wanted)
        place = file_named(picture.path, os.path.dirname(name), beside)
        caption = item.caption or one_line(in_words(Path(place).stem))[:CAPTION_LENGTH]
        item = item._replace(origin=Origin("file", place), caption=caption)
        refusal = self._confined.refusal(place)
        if refusal:
            return item._replace(problem=f"{item.key!r}: {refusal}")
        try:
            status = os.stat(place)
        except (OSError, ValueError):
            return item  # reading it says why
        return item._replace(size=status.st_size, mtime=status.st_mtime_ns)


def _shortened(record: dict[str, Any]) -> dict[str, Any]:
    """Return what is told of a row; a text that no caption is as long as is cut, since all rows of a group are kept."""
    return {name: value[:TEXT_BYTES] if isinstance(value, str) else value for name, value in record.items()}


def _one_of(item: Item, place: int) -> Item:
    """Return the item of one of the pictures in a row."""
    source = f"{item.key}.{place}" if item.source == item.key else item.source
    origin = item.origin._replace(place=f"{item.origin.place}.{place}")
    return item._replace(key=f"{item.key}.{place}", origin=origin, source=source)


def _unread(file: Any, group: int, column: str, items: Sequence[Item]) -> list[Item] | None:
    """Return the items of rows with several pictures, without reading these; ``None`` if only reading tells how many.

    Hugging Face's objects have a path, often null, which is as many times there as pictures are.
    """
    schema = file.schema
    leaves = [path for at in range(len(schema)) if (path := str(schema.column(at).path)).startswith(f"{column}.")]
    light = [path for path in leaves if path.endswith(".path")]
    if not light:
        return None
    cells = file.read_row_group(group, columns=light).column(column).to_pylist()
    found: list[Item] = []
    for item, cell in zip(items, cells, strict=True):
        found += [_one_of(item, place) for place in range(len(cell or ()))]
        if not cell:
            found.append(item._replace(problem=f"{item.key!r} has no picture"))
    return found


def read_cell(origin: Origin) -> bytes:
    """Return the picture in ``column:row`` of a Parquet file, or in ``column:row.place`` of a row with several.

    Raises:
        UserError: it is gone.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    column, _, number = origin.place.rpartition(":")
    number, _, of_several = number.partition(".")
    row, place = int(number), int(of_several or 0)
    regular_file(Path(origin.file))
    try:
        with pq.ParquetFile(origin.file, pre_buffer=False) as file:
            for group in range(file.num_row_groups):
                rows = file.metadata.row_group(group).num_rows
                if row >= rows:
                    row -= rows
                    continue
                if problem := too_large(file.metadata.row_group(group), [column]):
                    raise UserError(f"group {group} of {origin.file!r} {problem}")
                at_a_time = rows_at_a_time(file.metadata.row_group(group), [column], ROWS)
                for part in file.iter_batches(at_a_time, row_groups=[group], columns=[column]):
                    if row < len(part):
                        pictures = pictures_in(part.column(0)[row].as_py())
                        data = pictures[place].data if place < len(pictures) else None
                        if data is not None:
                            return data
                        break
                    row -= len(part)
                break
    except (OSError, ValueError, pa.ArrowException) as error:
        raise UserError(f"{origin.file!r} can't be read ({first_line(error)})") from error
    raise UserError(f"{origin.file!r} has no picture in {origin.place!r} any more; add it again")


def holds_pictures(kind: Any) -> bool:
    """Tell whether an Arrow type can hold the bytes of pictures: binary, Hugging Face's object, or lists of these."""
    import pyarrow as pa

    if _is_list(kind):
        return holds_pictures(kind.value_type)
    if pa.types.is_struct(kind):
        return any(kind.field(at).name == "bytes" for at in range(kind.num_fields))
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind))


def _is_list(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _is_text(kind: Any) -> bool:
    """Tell whether a column may name files, which change without the table."""
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _image_column(file: str, named: str | None, caption: str | None) -> str:
    import pyarrow as pa
    import pyarrow.parquet as pq

    regular_file(Path(file))
    try:
        schema = pq.read_schema(file)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise UserError(f"{file!r} is no Parquet file, or damaged ({first_line(error)})") from error
    names = list(schema.names)
    for wanted, option in ((named, "--image-column"), (caption, "--caption-column")):
        if wanted and wanted not in names:
            raise UserError(f"{file!r} has no column {wanted!r}; give {option} one of: {listed(names)}")
    objects = [field.name for field in schema if holds_pictures(field.type) and not pa.types.is_binary(field.type)]
    found = named or next(iter([*image_columns(names), *objects]), None)
    if found is None:
        raise UserError(f"{file!r} has no column of pictures; give --image-column one of: {listed(names)}")
    return found
