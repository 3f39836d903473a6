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
from imagerag.index.user.sources.json_bounds import check_values
from imagerag.index.user.sources.origins import regular_file
from imagerag.index.user.sources.parquet_bounds import rows_at_a_time, too_large
from imagerag.index.user.sources.short_text import listed, shortened
from imagerag.index.user.sources.texts import decode_text
from imagerag.regular_files import read_regular
from imagerag.store.files import cannot_read

Record = dict[str, Any]
DELIMITERS = ",\t;|"
TABLE_BYTES = 2**28
"""Of a table that is read whole, as CSV and JSON lines are; a million pictures have some 100 MB there."""
MOST_ROWS = 2**21
"""Of such a table."""
TOO_LONG = f"has more than {MOST_ROWS} rows; split it"
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
        return list(read_parquet(file))
    try:
        text, guessed = decode_text(read_regular(file, TABLE_BYTES), str(file))
    except OSError as error:
        raise cannot_read(file, error) from error
    if guessed:
        raise UserError(f"{str(file)!r} is not UTF-8, nor marked as other Unicode; save it as UTF-8")
    return _csv(text, str(file)) if kind == "csv" else _json(text, str(file))


def _csv(text: str, name: str) -> list[Record | str]:
    """Read CSV with the delimiter that gives its first row the most columns of known names, then the most columns."""
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    text = text.lstrip("\r\n")
    head = re.split(r"[\r\n]", text, maxsplit=1)[0]
    delimiter = max(DELIMITERS, key=lambda one: _columns(head, one))
    rows = csv.DictReader(io.StringIO(text, newline=""), restkey=TOO_MANY, delimiter=delimiter, skipinitialspace=True)
    found: list[Record | str] = []
    for row in rows:
        if len(found) >= MOST_ROWS:
            raise UserError(f"{name!r} {TOO_LONG}")
        found.append({column.strip(): value for column, value in row.items() if column.strip()})
    return found


def _columns(head: str, delimiter: str) -> tuple[int, int]:
    names = next(csv.reader([head], delimiter=delimiter, skipinitialspace=True), [])
    return len(image_columns([name.strip() for name in names])), len(names)


def _json(text: str, name: str) -> list[Record | str]:
    check_values(text, name)
    if text.lstrip().startswith("["):
        try:
            rows = json.loads(text)
        except (ValueError, RecursionError):
            rows = None
        if isinstance(rows, list) and any(isinstance(row, dict) for row in rows):
            return [_record(row) for row in rows]
    if text.count("\n") > MOST_ROWS:
        raise UserError(f"{name!r} {TOO_LONG}")
    return [_json_line(line) for line in text.split("\n") if line.strip()]


def _json_line(line: str) -> Record | str:
    try:
        return _record(json.loads(line))
    except (ValueError, RecursionError) as error:
        return f"no JSON ({error})"


def _record(row: object) -> Record | str:
    return row if isinstance(row, dict) else "no JSON object"


def read_parquet(file: Path, wanted: Sequence[str] | None = None) -> list[Record]:
    """Return the rows of a Parquet table.

    Args:
        file: anybody's.
        wanted: the columns that are read; all of them unless given.

    Raises:
        UserError: it can't be read, lacks a column, or unpacks to more than is read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    regular_file(file)
    found: list[Record] = []
    size = 0
    try:
        with pq.ParquetFile(file, pre_buffer=False) as table:
            there = list(table.schema_arrow.names)
            columns = there if wanted is None else list(wanted)
            if lacking := [name for name in columns if name not in there]:
                raise UserError(f"{str(file)!r} has no column {lacking[0]!r}; it has: {listed(there)}")
            for number in range(table.num_row_groups):
                group = table.metadata.row_group(number)
                if problem := too_large(group, columns):
                    raise UserError(f"group {number} of {str(file)!r} {problem}")
                for part in table.iter_batches(
                    rows_at_a_time(group, columns, 1024), row_groups=[number], columns=columns
                ):
                    size += part.nbytes
                    if size > TABLE_BYTES:  # values that are there once in the file may be those of all rows
                        most = TABLE_BYTES >> 20
                        raise UserError(f"{str(file)!r} is not read: it unpacks to more than {most} MB; split it")
                    if len(found) + len(part) > MOST_ROWS:
                        raise UserError(f"{str(file)!r} {TOO_LONG}")
                    found += part.to_pylist()
    except (OSError, ValueError, pa.ArrowException) as error:
        raise UserError(f"{str(file)!r} is no Parquet file, or damaged ({shortened(first_line(error))})") from error
    return found
