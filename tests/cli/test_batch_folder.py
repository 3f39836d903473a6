"""The folder of a batch is one file's: two of one name never share it, and each finds its own again."""

import json
from pathlib import Path

import pytest

from imagerag.cli.batch_folder import MARK, held_folder
from imagerag.cli.batch_journal import FILE
from imagerag.errors import UserError


def folder_of(file: str, out: str | None = None, keys: frozenset[str] = frozenset({"k"})) -> tuple[str, str]:
    with held_folder(Path(file), out, keys) as (folder, other):
        assert folder.is_dir()
        return folder.name, other


def test_files_of_one_stem_have_folders_of_their_own_each_time() -> None:
    for _ in range(2):
        assert folder_of("a/list.txt") == ("list", "")
        assert folder_of("b/list.txt") == ("list-2", "list.txt")
        assert folder_of("a/list.csv") == ("list-3", "list.txt")


def test_a_file_is_known_by_any_way_to_it_and_after_a_move(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "old").mkdir()
    monkeypatch.chdir(tmp_path / "old")
    assert folder_of("list.txt") == ("list", "")
    assert folder_of("../old/list.txt") == ("list", "")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old").rename(tmp_path / "new")
    monkeypatch.chdir(tmp_path / "new")
    assert folder_of(str(tmp_path / "new" / "list.txt")) == ("list", "")


def test_a_folder_asked_for_that_is_another_files_is_refused_with_the_ways_out(tmp_path: Path) -> None:
    out = str(tmp_path / "o")
    assert folder_of("a.txt", out) == ("o", "")
    with pytest.raises(
        UserError, match=r"holds the batch of another file, 'a.txt'; give another folder with --out, or"
    ):
        folder_of("b.txt", out)
    (tmp_path / "o" / MARK).unlink()
    assert folder_of("b.txt", out) == ("o", "")


def test_a_folder_of_an_earlier_version_is_known_by_its_rows() -> None:
    done = {"key": "k", "row": 1, "line": 1, "prompt": "an owl", "status": "failed", "file": "", "sha256": ""}
    done |= {"score": None, "satisfied": False, "missing": [], "seed": None, "stop_reason": "", "error": ""}
    done |= {"notes": [], "seconds": 0.0, "thread": ""}
    Path("list").mkdir()
    Path("list", FILE).write_text(json.dumps(done) + "\n", encoding="utf-8")
    assert folder_of("b/list.txt", keys=frozenset({"other"})) == ("list-2", "list.txt")
    assert folder_of("a/list.txt") == ("list", "")


def test_what_it_says_tells_no_place_of_this_machine(tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    folder_of(str(tmp_path / "secret" / "list.txt"))
    assert "secret" not in Path("list", MARK).read_text(encoding="utf-8")
