"""CSV and JSON lines files that name a picture per row, or hold it in base64."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from imagerag.errors import UserError
from imagerag.index.user.sources.beside import Beside
from imagerag.index.user.sources.cells import LONGEST_PATH, PictureCell, image_columns, pictures_in
from imagerag.index.user.sources.confinement import Confined
from imagerag.index.user.sources.fields import both, fields_of, joined
from imagerag.index.user.sources.folders import file_item
from imagerag.index.user.sources.items import NO_LICENCE, SEPARATOR, Item, Origin, Wanted
from imagerag.index.user.sources.named_files import file_named
from imagerag.index.user.sources.records import TOO_MANY, Record, read_records
from imagerag.index.user.sources.short_text import listed
from imagerag.index.user.sources.urls import UrlFetcher


class ManifestSource:
    """A table with a path per row, relative to itself, an address or a picture in base64, and what is known of it.

    Args:
        file: absolute.
        kind: ``csv`` or ``jsonl``.
        licence: of rows that name none.
        image_column: the paths' column; found by its name if not given.
        caption_column: the captions' column; found by its name if not given.
        fetched: fetches rows that name an https address instead, and keeps pictures in base64; if not given, the
            former are reported, and the latter kept in a folder ``fetched`` beside the table.
        allow_outside: whether files that it names may lie outside the folder that it is in.

    Raises:
        UserError: it can't be read, or has no such column.
    """

    def __init__(
        self,
        file: Path,
        kind: str,
        licence: str = NO_LICENCE,
        image_column: str | None = None,
        caption_column: str | None = None,
        *,
        fetched: UrlFetcher | None = None,
        allow_outside: bool = False,
    ) -> None:
        self.file = file
        self._confined = Confined(file.parent, allow_outside=allow_outside)
        self._fetched = fetched or UrlFetcher(file.parent / "fetched", False)
        self.name = f"{kind}:{file}"
        self._kind = kind
        self._licence = licence
        self._column = image_column
        self._caption = caption_column

    def count(self) -> int:
        """See ``Source``."""
        return max(len(self._records), 1)

    def items(self, wanted: Wanted) -> Iterator[Item]:
        """See ``Source``."""
        beside = Beside(self._confined)
        others, merged = self._further_captions()
        if not self._records:
            yield self._problem(f"{self.file}{SEPARATOR}0", f"{str(self.file)!r} has no rows")
        for number, record in enumerate(self._records, 1):
            here = f"{self.file}{SEPARATOR}{number}"
            if isinstance(record, str):
                yield self._problem(here, f"row {number} of {str(self.file)!r}: {record}")
                continue
            column, pictures = self._pictures(record)
            if not pictures:
                names = listed(name for name in record if name != TOO_MANY)
                problem = f"row {number} of {str(self.file)!r} names no file; it has: {names}"
                yield self._problem(here, problem)
                continue
            if number in merged:
                continue
            fields = self._fields(record, column)
            for other in others.get(number, ()):
                fields = both(fields, self._fields(other, column))
            if TOO_MANY in record:
                more = f"{len(record[TOO_MANY])} more cells than columns"
                note = f"comes from row {number}, which has {more}; put texts with commas in quotes"
                fields = joined(fields, {"note": note})
            for place, picture in enumerate(pictures):
                key = here if len(pictures) == 1 else f"{here}.{place}"
                yield self._item(key, picture, fields, wanted, beside)

    def owns(self, key: str) -> bool:
        """See ``Source``."""
        return key.startswith(f"{self.file}{SEPARATOR}")

    def _pictures(self, record: Record) -> tuple[str, list[PictureCell]]:
        """Return the first column with a picture in it, and its pictures."""
        for column in [self._column] if self._column else image_columns(list(record)):
            pictures = pictures_in(record.get(column))
            if pictures:
                return column, pictures
        return "", []

    def _fields(self, record: Record, column: str) -> dict[str, str]:
        return fields_of({name: value for name, value in record.items() if name != column}, self._caption)

    def _further_captions(self) -> tuple[dict[int, list[Record]], set[int]]:
        """Return the rows that are further captions of a picture, by the number of its first row, and their numbers.

        Data sets with five captions for each picture have a row for each of them.
        """
        others: dict[int, list[Record]] = {}
        merged: set[int] = set()
        first: dict[str, int] = {}
        said: dict[int, set[str]] = {}
        for number, record in enumerate(self._records, 1):
            if isinstance(record, str):
                continue
            columns = [self._column] if self._column else image_columns(list(record))
            column = next((name for name in columns if record.get(name)), "")
            named = record.get(column)
            if not isinstance(named, str) or len(named) > LONGEST_PATH:
                continue
            at = first.setdefault(named, number)
            caption = self._fields(record, column).get("caption", "")
            if at != number and caption and caption not in said[at]:
                others.setdefault(at, []).append(record)
                merged.add(number)
            said.setdefault(at, set()).add(caption)
        return others, merged

    def _item(self, here: str, picture: PictureCell, fields: dict[str, str], wanted: Wanted, beside: Beside) -> Item:
        if picture.problem:
            return self._problem(here, f"row {here.rpartition(SEPARATOR)[2]} of {str(self.file)!r}: {picture.problem}")
        if picture.data is not None:
            return self._fetched.kept(here, picture.data, self.file, self._licence, fields, wanted)
        if picture.url:
            key = f"{self.file}{SEPARATOR}{picture.url}"
            return self._fetched.item(key, picture.url, self._licence, fields, wanted)
        file = file_named(picture.path, str(self.file.parent), beside)
        item = file_item(file, self._licence, fields, beside)
        return item._replace(key=f"{self.file}{SEPARATOR}{picture.path}")

    def _problem(self, key: str, problem: str) -> Item:
        return Item(key, Origin("file", str(self.file)), problem=problem)

    @cached_property
    def _records(self) -> list[Record | str]:
        records = read_records(self.file, self._kind)
        rows = [record for record in records if isinstance(record, dict)]
        for column, option in ((self._column, "--image-column"), (self._caption, "--caption-column")):
            if column and rows and not any(column in row for row in rows):
                names = listed(dict.fromkeys(name for row in rows for name in row if name != TOO_MANY))
                raise UserError(f"{str(self.file)!r} has no column {column!r}; give {option} one of: {names}")
        return records
