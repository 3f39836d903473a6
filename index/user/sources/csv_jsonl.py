"""CSV and JSON lines files that name a picture per row."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from imagerag.errors import UserError
from imagerag.index.user.sources.folders import fields_of, file_item, one_line, shown
from imagerag.index.user.sources.items import NO_LICENCE, Item, Origin, Wanted
from imagerag.index.user.sources.parquet import IMAGE_COLUMNS
from imagerag.index.user.sources.urls import UrlFetcher, is_https
from imagerag.index.user.sources.webdataset import SEPARATOR
from imagerag.store.files import cannot_read


class ManifestSource:
    """A CSV or JSON lines file with a path per row, relative to itself, and what is known of each picture.

    Args:
        file: absolute.
        kind: ``csv`` or ``jsonl``.
        licence: of rows that name none.
        image_column: the paths' column; found by its name if not given.
        caption_column: the captions' column; found by its name if not given.
        fetched: fetches rows that name an https address instead; they are reported if not given.

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
    ) -> None:
        self.file = file
        self._fetched = fetched or UrlFetcher(file.parent, False)
        self.name = f"{kind}:{file}"
        self._kind = kind
        self._licence = licence
        self._column = image_column
        self._caption = caption_column

    def count(self) -> int:
        """See ``Source``."""
        return len(self._records)

    def items(self, wanted: Wanted) -> Iterator[Item]:
        """See ``Source``."""
        for number, record in enumerate(self._records, 1):
            here = f"{self.file}{SEPARATOR}{number}"
            if isinstance(record, str):
                yield Item(
                    here, Origin("file", str(self.file)), problem=f"row {number} of {str(self.file)!r}: {record}"
                )
                continue
            column = self._column or next((name for name in IMAGE_COLUMNS if record.get(name)), "")
            path = str(record.get(column) or "")
            if not path:
                problem = (
                    f"row {number} of {str(self.file)!r} names no file; it has: {shown(', '.join(map(str, record)))}"
                )
                yield Item(here, Origin("file", str(self.file)), problem=problem)
                continue
            fields = fields_of({name: value for name, value in record.items() if name != column})
            if self._caption and record.get(self._caption):
                fields["caption"] = one_line(str(record[self._caption]))
            path = shown(path)
            if is_https(path):
                key = f"{self.file}{SEPARATOR}{path}"
                yield self._fetched.item(key, path, self._licence, fields, wanted)
                continue
            file = str(self.file.parent / (Path(path).expanduser() if path.startswith("~/") else path))
            item = file_item(file, self._licence, fields)
            yield item._replace(key=f"{self.file}{SEPARATOR}{path}")

    def owns(self, key: str) -> bool:
        """See ``Source``."""
        return key.startswith(f"{self.file}{SEPARATOR}")

    @cached_property
    def _records(self) -> list[dict[str, Any] | str]:
        """All rows; a text in place of one says what is wrong with it."""
        try:
            text = self.file.read_text(encoding="utf-8-sig")
        except OSError as error:
            raise cannot_read(self.file, error) from error
        except UnicodeDecodeError as error:
            raise UserError(f"{str(self.file)!r} is not UTF-8 ({error}); save it as UTF-8") from error
        if self._kind == "csv":
            csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
            return [{k: v for k, v in row.items() if k} for row in csv.DictReader(io.StringIO(text, newline=""))]
        return [_json_record(line) for line in text.split("\n") if line.strip()]


def _json_record(line: str) -> dict[str, Any] | str:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"no JSON ({error})"
    return record if isinstance(record, dict) else "no JSON object"
