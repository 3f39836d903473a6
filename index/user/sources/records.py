"""Tables in files, as records: CSV in its dialects, JSON lines, a list in JSON, and Parquet without pictures."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from imagerag.errors import UserError, first_line
from imagerag.index.user.sources.cells import image_columns
from imagerag.index.user.sources.short_text import shortened
from imagerag.index.user.sources.texts import decode_text
from imagerag.store.files import cannot_read

Record = dict[str, Any]
DELIMITERS = ",\t;|"
TOO_MANY = "\0"
"""The name under which a record has the cells that are more than its table's columns."""


def read_records(file: Path, kind: str) -> list[Record | str]:
    """Return the rows of a table; a text in place of one says what is wrong with it.

    Args:
        file: the table.
        kind: ``csv``, ``jsonl`` or ``parquet``.

    Raises:
        UserError: it can't be read, is in no encoding of Unicode, or no such table.
    """
    if kind == "parquet":
        return _parquet(file)
    try:
        text, guessed = decode_text(file.read_bytes(), str(file))
    except OSError as error:
        raise cannot_read(file, error) from error
    if guessed:
        raise UserError(f"{str(file)!r} is not UTF-8, nor marked as other Unicode; save it as UTF-8")
    return _csv(text) if kind == "csv" else _json(text)


def _csv(text: str) -> list[Record | str]:
    """Read CSV with the delimiter that gives its first row the most columns of known names, then the most columns."""
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    text = text.lstrip("\r\n")
    head = re.split(r"[\r\n]", text, maxsplit=1)[0]
    delimiter = max(DELIMITERS, key=lambda one: _columns(head, one))
    rows = csv.DictReader(io.StringIO(text, newline=""), restkey=TOO_MANY, delimiter=delimiter, skipinitialspace=True)
    return [{name.strip(): value for name, value in row.items() if name.strip()} for row in rows]


def _columns(head: str, delimiter: str) -> tuple[int, int]:
    names = next(csv.reader([head], delimiter=delimiter, skipinitialspace=True), [])
    return len(image_columns([name.strip() for name in names])), len(names)


def _json(text: str) -> list[Record | str]:
    if text.lstrip().startswith("["):
        try:
            rows = json.loads(text)
        except (ValueError, RecursionError):
            rows = None
        if isinstance(rows, list) and any(isinstance(row, dict) for row in rows):
            return [_record(row) for row in rows]
    return [_json_line(line) for line in text.split("\n") if line.strip()]


def _json_line(line: str) -> Record | str:
    try:
        return _record(json.loads(line))
    except (ValueError, RecursionError) as error:
        return f"no JSON ({error})"


def _record(row: object) -> Record | str:
    return row if isinstance(row, dict) else "no JSON object"


def _parquet(file: Path) -> list[Record | str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows: Sequence[Record] = pq.read_table(file).to_pylist()
    except (OSError, ValueError, pa.ArrowException) as error:
        raise UserError(f"{str(file)!r} is no Parquet file, or damaged ({shortened(first_line(error))})") from error
    return list(rows)
