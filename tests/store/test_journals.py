"""Lines that survive a kill, and a folder that one process works in."""

import sys
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


@pytest.mark.skipif(sys.platform == "win32", reason="links are for administrators there")
def test_no_line_is_added_through_a_link(tmp_path: Path) -> None:
    """A folder of somebody else's could have a line with a command in it added to what a shell reads."""
    target = tmp_path / ".bashrc"
    target.write_text("mine\n")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "labels.jsonl").symlink_to(target)
    (tmp_path / "run" / "new.jsonl").symlink_to(tmp_path / "nothing-yet")
    for name in ("labels.jsonl", "new.jsonl"):
        with pytest.raises(UserError, match="is a link, to which no lines are added; put a file in its place"):
            append_line(tmp_path / "run" / name, b'{"a": "$(touch x)"}\n', whole=True)
    assert target.read_text() == "mine\n"
    assert not (tmp_path / "nothing-yet").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="links are for administrators there")
def test_a_link_in_place_of_the_lock_leads_nowhere(tmp_path: Path) -> None:
    target = tmp_path / "mine"
    target.write_text("mine")
    (tmp_path / ".lock").symlink_to(target)
    with sole_worker(tmp_path / ".lock", "imagerag batch"):
        assert target.read_text() == "mine"
    assert target.read_text() == "mine"
