"""Tables that describe the pictures of a folder: Hugging Face's ``metadata.jsonl`` and its kin, and Kohya's JSON."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from imagerag.errors import UserError
from imagerag.index.user.sources.beside import Beside, ending_of, read_json
from imagerag.index.user.sources.cells import file_names
from imagerag.index.user.sources.fields import both, described, fields_of
from imagerag.index.user.sources.items import SEPARATOR
from imagerag.index.user.sources.named_files import file_named
from imagerag.index.user.sources.records import read_records
from imagerag.index.user.sources.short_text import listed
from imagerag.regular_files import read_regular
from imagerag.store.files import cannot_read

METADATA = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
"""Names of the tables of imagefolder, in any case."""
JSON_BYTES = 256 * 2**20
"""Larger JSON is not read to find out whether it describes pictures."""
REPORTED_ROWS = 20
"""Rows of one table that are reported one by one; of the others, how many they are."""


class Fault(NamedTuple):
    """What of a table could not be used: where, and why in one line."""

    key: str
    problem: str


class FolderTables:
    """What the tables of a folder say of its pictures. A table in a folder within goes before one around it.

    Args:
        files: absolute paths of the folder's pictures.
        tables: absolute paths of files named as in ``METADATA``.
        others: absolute paths of JSON files that stand beside no picture.
        beside: lists the folders.
    """

    def __init__(self, files: Sequence[str], tables: Sequence[str], others: Sequence[str], beside: Beside) -> None:
        self.faults: list[Fault] = []
        self._files = frozenset(files)
        self._beside = beside
        self._known: dict[str, dict[str, str]] = {}
        self._told_by: dict[str, str] = {}
        for table in sorted(tables, key=_depth):
            self._read(table)
        for other in sorted(others, key=_depth):
            self._read_json(other)

    def of(self, file: str) -> Mapping[str, str]:
        """Return the fields that a table tells of a picture, by its absolute path."""
        return self._known.get(file, {})

    def _read(self, table: str) -> None:
        if self._is_outside(table):
            return
        try:
            records = read_records(Path(table), ending_of(table))
        except UserError as error:
            self.faults.append(Fault(table, str(error)))
            return
        self._take(table, records)

    def _take(self, table: str, records: Sequence[Any]) -> None:
        faults = []
        for number, record in enumerate(records, 1):
            faults += [
                Fault(f"{table}{SEPARATOR}{number}", f"row {number} of {table!r}{problem}")
                for problem in self._take_row(table, record)
            ]
        self._tell(table, faults)

    def _take_row(self, table: str, record: Any) -> Iterator[str]:
        if not isinstance(record, Mapping):
            yield f": {record if isinstance(record, str) else 'no JSON object'}"
            return
        paths = file_names(record)
        if not paths:
            yield f" names no file; it has: {listed(record)}"
            return
        fields = fields_of(record)
        for path in paths:
            file = os.path.normpath(file_named(path, os.path.dirname(table), self._beside))
            refusal = self._beside.confined.refusal(file)
            if refusal:
                yield f" names {path!r}: {refusal}"
            elif os.path.exists(file):
                known = self._known.get(file) if self._told_by.get(file) == table else None
                self._known[file] = both(known, fields) if known else fields
                self._told_by[file] = table
            else:
                yield f" names {path!r}, which is not there"

    def _is_outside(self, table: str) -> bool:
        refusal = self._beside.confined.refusal(table)
        if refusal:
            self.faults.append(Fault(table, f"{table!r} was not read: {refusal}"))
        return bool(refusal)

    def _read_json(self, file: str) -> None:
        if self._is_outside(file):
            return
        try:
            size = os.stat(file).st_size
            said = read_json(read_regular(file, JSON_BYTES), file) if size <= JSON_BYTES else None
        except UserError as error:
            self.faults.append(Fault(file, str(error)))
            return
        except OSError as error:
            self.faults.append(Fault(file, str(cannot_read(file, error))))
            return
        if isinstance(said, list) and any(isinstance(row, Mapping) and file_names(row) for row in said):
            self._take(file, said)
        elif not isinstance(said, Mapping) or not self._take_named(file, said):
            self.faults.append(Fault(file, f"{file!r} describes no picture here; leave it out"))

    def _take_named(self, table: str, said: Mapping[str, Any]) -> bool:
        """Take JSON with an entry for each picture: Kohya's, or captions by name. Tell whether it is that."""
        folder = os.path.dirname(table)
        meant = {name: self._meant(folder, name) for name in said}
        if not any(meant.values()):
            return False
        faults = []
        for name, files in meant.items():
            fields = described(said[name])
            if len(files) == 1 and fields is not None:
                self._known[files[0]] = fields
                continue
            why = "of which it says nothing" if files else "which is not there"
            if len(files) > 1:
                why = f"but {len(files)} pictures are called so; write their paths"
            faults.append(Fault(f"{table}{SEPARATOR}{name}", f"{table!r} names {name!r}, {why}"))
        self._tell(table, faults)
        return True

    def _meant(self, folder: str, name: str) -> list[str]:
        """Return the pictures that Kohya's scripts mean: of a path, or of a name within, even without ending."""
        if not name or name in (".", ".."):
            return []
        file = os.path.normpath(file_named(name, folder, self._beside))
        if file in self._files:
            return [file]
        last = name.replace("\\", "/").rpartition("/")[2]
        return [one for one in self._by_name.get(last, ()) if one.startswith(folder + os.sep)]

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        """The pictures by their names, with and without ending."""
        by_name: dict[str, list[str]] = {}
        for file in sorted(self._files):
            last = os.path.basename(file)
            for name in {last, os.path.splitext(last)[0]}:
                by_name.setdefault(name, []).append(file)
        return by_name

    def _tell(self, table: str, faults: Sequence[Fault]) -> None:
        self.faults += faults[:REPORTED_ROWS]
        if len(faults) > REPORTED_ROWS:
            more = len(faults) - REPORTED_ROWS
            self.faults.append(Fault(table, f"{more} more rows of {table!r} name no picture that is there"))


def _depth(path: str) -> int:
    return path.count(os.sep)
