"""Who may read what lies in the data directory."""

import logging
import os
import sqlite3
import stat
import sys
from pathlib import Path

import pytest

from imagerag.generators.registry import FAST_FILE
from imagerag.graphs.checkpointer import open_checkpointer
from imagerag.graphs.thread_lock import LOCKS
from imagerag.index.leftovers import BUNDLED
from imagerag.index.user_libraries import BUNDLED_FOUND, FOLDER, OWN, WEB
from imagerag.server.database import FILE, Database
from imagerag.store.files import write_whole
from imagerag.store.home import THREADS, home_directory
from imagerag.store.private import private_file, private_folder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps others out by itself")


def _open_to_others(folder: Path) -> list[str]:
    found = [folder, *folder.rglob("*")]
    return [str(path) for path in found if stat.S_IMODE(path.lstat().st_mode) & 0o077]


@pytest.fixture(autouse=True)
def usual_umask() -> object:
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_all_that_is_made_in_a_data_directory_is_its_owners_alone(tmp_path: Path) -> None:
    home = home_directory(tmp_path / "deep" / "home")
    with open_checkpointer(home):
        database = Database(home)
        database.upload("me", "a.png", "0" * 64)
        write_whole(home / "images" / "ab" / "ab.png", b"x")
        private_folder(home / "own" / "shards")
        assert {"doors.sqlite", "doors.sqlite-wal", "threads.sqlite"} <= {path.name for path in home.iterdir()}
        assert _open_to_others(tmp_path / "deep") == []
        database.close()


def test_one_that_was_open_is_closed_once_and_that_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    home = tmp_path / "home"
    (home / "images" / "ab").mkdir(parents=True)
    (home / "images" / "ab" / "ab.png").write_bytes(b"x")
    sqlite3.connect(home / "threads.sqlite").execute("CREATE TABLE a (b)")
    (home / "chat-history").write_text("secret")
    assert _open_to_others(home)
    for times in (1, 1):
        home_directory(home)
        assert _open_to_others(home) == []
        assert caplog.text.count("was readable by others") == times


def test_in_a_folder_of_other_things_only_ours_are_closed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    home = tmp_path / "mine"
    home.mkdir(0o755)
    (home / "letter.txt").write_text("shared")
    (home / "images").mkdir()
    home_directory(home)
    assert stat.S_IMODE(home.stat().st_mode) == 0o755
    assert stat.S_IMODE((home / "letter.txt").stat().st_mode) == 0o644
    assert stat.S_IMODE((home / "images").stat().st_mode) == 0o700
    assert "was readable by others" in caplog.text


def test_links_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.png").write_bytes(b"x")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "images").symlink_to(tmp_path / "elsewhere")
    home_directory(tmp_path / "home")
    assert stat.S_IMODE((tmp_path / "elsewhere" / "a.png").stat().st_mode) == 0o644


def test_what_cant_be_closed_is_told_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "home").mkdir(0o755)

    def refuse(path: Path, mode: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "chmod", refuse)
    caplog.set_level(logging.WARNING)
    assert home_directory(tmp_path / "home") == tmp_path / "home"
    assert "chmod -R go=" in caplog.text


def test_a_file_that_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("mine")
    assert private_file(tmp_path / "a").read_text() == "mine"


def test_all_that_a_data_directory_holds_is_known_to_be_ours(tmp_path: Path) -> None:
    """One with a name that is not known would be taken for somebody's home directory, and stay open."""
    home = tmp_path / "home"
    for name in (BUNDLED, BUNDLED_FOUND, OWN, FOLDER, LOCKS, WEB, "images"):
        (home / name).mkdir(parents=True)
    for name in (THREADS, FILE, FAST_FILE, "chat-history"):
        (home / name).write_text("x")
    home.chmod(0o755)
    home_directory(home)
    assert _open_to_others(home) == []
