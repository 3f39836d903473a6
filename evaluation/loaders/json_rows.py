"""Rows of JSON files, with errors that name the file and the line."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imagerag.errors import UserError
from imagerag.regular_files import read_regular_text
from imagerag.store.files import cannot_read


@dataclass(frozen=True)
class Row:
    """One object of a file.

    Attributes:
        values: its fields.
        place: ``FILE:LINE``, or which entry of the file it is.
    """

    values: dict[str, Any]
    place: str

    def text(self, key: str, default: str | None = None) -> str:
        """Return a field's text, stripped; numbers count as texts.

        Raises:
            UserError: it is missing and has no default, empty where it has none, or something else.
        """
        value = self.values.get(key)
        if value is None and default is not None:
            return default
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise self.error(f"has no text in {key!r}" if value is None else f"has {value!r} in {key!r}, no text")
        told = str(value).strip()
        if not told and default is None:
            raise self.error(f"has an empty {key!r}")
        return told

    def items(self, key: str) -> list[Any]:
        """Return a field's list; an empty one where it is missing.

        Raises:
            UserError: it is something else.
        """
        value = self.values.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.error(f"has {value!r} in {key!r}, no list")
        return value

    def texts(self, key: str) -> list[str]:
        """Return a field's texts, stripped; none where it is missing.

        Raises:
            UserError: it is no list, or has something else in it.
        """
        for value in self.items(key):
            if not isinstance(value, str):
                raise self.error(f"has {value!r} in {key!r}, no text")
        return [value.strip() for value in self.items(key)]

    def error(self, problem: str) -> UserError:
        """Return the error for what is wrong with this row."""
        return UserError(f"{self.place} {problem}")


def read_text(file: Path) -> str:
    """Return a file's text.

    Raises:
        UserError: it can't be read, or is not UTF-8.
    """
    try:
        return read_regular_text(file, "utf-8-sig")
    except OSError as error:
        raise cannot_read(file, error) from error
    except UnicodeDecodeError as error:
        raise UserError(f"{str(file)!r} is not UTF-8 (byte {error.start}); save it as UTF-8") from error


def read_json_lines(file: Path) -> list[Row]:
    """Return the objects of a file with one a line; empty lines are left out.

    Raises:
        UserError: a line is no object; names file and line.
    """
    rows = []
    # Not splitlines(): it also parts at characters that JSON leaves unescaped in a text, such as U+2028.
    for number, line in enumerate(read_text(file).split("\n"), 1):
        if line.strip():
            place = f"{file}:{number}"
            rows.append(Row(_object(_parsed(line, place, number), place), place))
    return rows


def read_json_list(file: Path) -> list[Row]:
    """Return the objects of a file that holds a list of them.

    Raises:
        UserError: it holds something else.
    """
    found = read_json(file)
    if not isinstance(found, list):
        raise UserError(f"{str(file)!r} holds {type(found).__name__}, no list of objects")
    return [Row(_object(each, f"{file}, entry {n}"), f"{file}, entry {n}") for n, each in enumerate(found, 1)]


def read_json_object(file: Path) -> dict[str, Any]:
    """Return the object that a file holds.

    Raises:
        UserError: it holds something else.
    """
    return _object(read_json(file), str(file))


def read_json(file: Path) -> Any:
    """Return what a JSON file holds.

    Raises:
        UserError: it can't be read, or is no JSON; names file and line.
    """
    return _parsed(read_text(file), str(file))


def _parsed(text: str, place: str, line: int | None = None) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        at = place if line else f"{place}:{error.lineno}"
        raise UserError(f"{at} is no JSON: {error.msg} (column {error.colno})") from error
    except ValueError as error:  # a number of thousands of digits
        raise UserError(f"{place} is no JSON that can be read: {error}") from error
    except RecursionError as error:
        raise UserError(f"{place} is no JSON that can be read: it is nested too deeply") from error


def _object(found: Any, place: str) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise UserError(f"{place} is no object but {str(found)[:60]!r}")
    return found
