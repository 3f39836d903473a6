"""Lines that survive a kill, and a folder that one process works in."""

from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.store.journals import append_line, sole_worker


def test_a_line_is_added_behind_a_torn_one(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(b'{"a": 1}\n{"b"')
    append_line(file, b'{"c": 3}\n', whole=False)
    append_line(file, b'{"d": 4}\n', whole=True)
    assert file.read_bytes().splitlines() == [b'{"a": 1}', b'{"b"', b'{"c": 3}', b'{"d": 4}']


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"written to"):
        append_line(tmp_path, b"{}\n", whole=True)


def test_one_process_works_in_a_folder(tmp_path: Path) -> None:
    with (
        sole_worker(tmp_path / ".lock", "imagerag batch"),
        pytest.raises(UserError, match=r"another imagerag batch is at work in .*; wait, or choose --out"),
        sole_worker(tmp_path / ".lock", "imagerag batch"),
    ):
        pass
    with sole_worker(tmp_path / ".lock", "imagerag batch"):
        pass
