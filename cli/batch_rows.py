"""The rows of a batch: prompts with settings of their own, read from text, CSV or JSONL."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from imagerag.cli.prompt import checked_prompt
from imagerag.errors import UserError
from imagerag.regular_files import read_regular
from imagerag.settings import DECLARED, load_settings
from imagerag.store.files import cannot_read

PROMPT = "prompt"
NOT_OF_A_ROW = frozenset({"home", "out", "record", "chroma", "mcp_server", "mcp_allow"})
"""Settings that hold for the whole batch."""
_ALIASES = {declared.alias.removeprefix("--"): name for name, declared in DECLARED.items() if declared.alias}
OF_A_ROW = tuple(name for name in DECLARED if name not in NOT_OF_A_ROW)
KINDS = (".txt", ".csv", ".jsonl")


@dataclass(frozen=True)
class Row:
    """One row.

    Attributes:
        number: its place among the rows, from 1.
        line: where it ends in the file, from 1.
        prompt: what is to be drawn; empty where the row is bad.
        settings: its own, by name; they go before flags.
        problem: why it can't be drawn; empty where it can.
        key: of its content and of its place among rows of the same content: by it a row is known again.
    """

    number: int
    line: int
    prompt: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""
    key: str = ""


def read_rows(file: Path, flags: Mapping[str, Any], config: Path | None) -> list[Row]:
    """Return the rows of a file, each checked against the settings there are; a bad one has its problem.

    Args:
        file: text with a prompt a line (empty lines and those that begin with ``#`` are left out), CSV with a header of
            which ``prompt`` is one and every other the name of a setting, or JSONL with objects of the same names.
        flags: settings that hold where a row has none.
        config: settings file.

    Raises:
        UserError: the file can't be read, is of another kind, has a header that is not known, or no rows.
    """
    if file.suffix.lower() not in KINDS:
        raise UserError(f"{str(file)!r} is none of {', '.join(KINDS)}; give prompts as text, CSV or JSONL")
    try:
        text = read_regular(file).decode("utf-8-sig")
    except OSError as error:
        raise cannot_read(file, error) from error
    except UnicodeDecodeError as error:
        where = f"{error.reason} at byte {error.start}"
        raise UserError(f"{str(file)!r} is not UTF-8 ({where}); save it as UTF-8") from error
    read = {".txt": _lines, ".csv": _table, ".jsonl": _objects}[file.suffix.lower()]
    seen: dict[str, int] = {}
    rows = []
    for number, (line, values) in enumerate(read(text, file), start=1):
        rows.append(_row(number, line, values, flags, config, seen))
    if not rows:
        raise UserError(f"{str(file)!r} has no rows; give a prompt a line")
    return rows


def _row(
    number: int,
    line: int,
    values: Mapping[str, Any] | str,
    flags: Mapping[str, Any],
    config: Path | None,
    seen: dict[str, int],
) -> Row:
    if isinstance(values, str):
        return Row(number, line, problem=values)
    try:
        prompt = values.get(PROMPT)
        if not isinstance(prompt, str):
            raise UserError(f"prompt {prompt!r} is no text" if PROMPT in values else f"it has no {PROMPT!r}")
        prompt = checked_prompt(prompt)
        settings = {
            name: DECLARED[name].parse(value, name)
            for given, value in values.items()
            if given != PROMPT and value not in (None, "")
            for name in [_known(given)]
        }
        load_settings({**_without_rivals(flags, settings), **settings}, file=config)
    except UserError as error:
        return Row(number, line, problem=str(error))
    content = json.dumps([prompt, settings, {**flags}], sort_keys=True, default=str)
    seen[content] = seen.get(content, 0) + 1
    key = hashlib.sha256(f"{seen[content]} {content}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return Row(number, line, prompt, settings, key=key)


def settings_of_row(row: Row, flags: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that are given for a row, by flags or by itself."""
    return {**_without_rivals(flags, row.settings), **row.settings}


def _without_rivals(flags: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the flags without what a row says in another way."""
    rivals = {"size": "aspect", "aspect": "size"}
    return {name: value for name, value in flags.items() if rivals.get(name) not in settings}


def _known(name: str) -> str:
    name = str(name).strip()
    name = _ALIASES.get(name, name)
    if name in NOT_OF_A_ROW:
        raise UserError(f"{name!r} holds for the whole batch; give it as a flag")
    if name not in OF_A_ROW:
        raise UserError(f"{name[:40]!r} is no setting; valid: {', '.join((PROMPT, *_ALIASES, *OF_A_ROW))}")
    return name


def _lines(text: str, file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, {PROMPT: line}


def _table(text: str, file: Path) -> Iterator[tuple[int, dict[str, Any] | str]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: Sequence[str] | None = None
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if header is None:
                header = [cell.strip() for cell in cells]
                _check_header(header, file)
            elif len(cells) > len(header):
                yield reader.line_num, f"it has {len(cells)} cells, and the header {len(header)}"
            else:
                yield reader.line_num, dict(zip(header, cells, strict=False))
    except csv.Error as error:
        raise UserError(f"{str(file)!r} is no CSV from line {reader.line_num} on: {error}") from error


def _check_header(header: Sequence[str], file: Path) -> None:
    if PROMPT not in header:
        raise UserError(f"the header of {str(file)!r} has no {PROMPT!r}; begin it with: prompt,seed")
    if len({*header}) < len(header):
        twice = next(name for name in header if header.count(name) > 1)
        raise UserError(f"the header of {str(file)!r} names {twice!r} twice")
    for name in header:
        try:
            _known(name) if name != PROMPT else None
        except UserError as error:
            raise UserError(f"the header of {str(file)!r}: {error}") from error


def _objects(text: str, file: Path) -> Iterator[tuple[int, dict[str, Any] | str]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield number, f"it is no JSON: {error}"
            continue
        yield number, value if isinstance(value, dict) else f"{line.strip()[:40]!r} is no JSON object"
