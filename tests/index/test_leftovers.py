"""What killed writers leave in the folders of libraries, and what of a library others may read."""

import json
import stat
from pathlib import Path

import pytest

from imagerag.index.leftovers import left_by_writers, unnamed_folders
from imagerag.index.lock import writer_lock
from imagerag.index.user.store import UserPictures
from imagerag.server.cleaning import find_garbage, remove_garbage
from testing.user_pictures import pictures


def left_in(directory: Path) -> Path:
    """Leave a folder as a writer who is killed does."""
    folder = directory / "chroma-0123456789ab"
    (folder / "graph").mkdir(parents=True)
    (folder / "graph" / "data.bin").write_bytes(b"x" * 1000)
    return folder


def test_folders_that_a_file_names_are_no_leftovers(tmp_path: Path) -> None:
    left = left_in(tmp_path)
    assert unnamed_folders(tmp_path) == [left]
    (tmp_path / "applied-x.json").write_text(json.dumps({"place": left.name}))
    assert unnamed_folders(tmp_path) == []
    (tmp_path / "applied-x.json").rename(tmp_path / "current.json")
    assert unnamed_folders(tmp_path) == []


@pytest.mark.parametrize("library", ["own", "index", "libraries/cats"])
def test_leftovers_of_every_library_go(tmp_path: Path, library: str) -> None:
    left = left_in(tmp_path / library)
    assert find_garbage(tmp_path).leftovers == [left]
    assert left.exists()
    gone = remove_garbage(tmp_path)
    assert (gone.leftovers, gone.notes) == ([left], [])
    assert gone.bytes >= 1000
    assert not left.exists()


def test_a_library_that_is_being_written_is_left_alone_and_that_is_told(tmp_path: Path) -> None:
    left = left_in(tmp_path / "own")
    with writer_lock(tmp_path / "own" / "lock"):
        (note,) = left_by_writers(tmp_path)
        told = remove_garbage(tmp_path)
    assert "in 'own' stays: another imagerag process" in str(note)
    assert told.notes == [note]
    assert left.exists()


def test_nothing_of_a_library_is_open_to_others(own: UserPictures, tmp_path: Path) -> None:
    """Neither what Chroma has written, nor locks, while they are held or afterwards."""
    pictures(tmp_path / "pictures")
    own.add([str(tmp_path / "pictures")])
    own.close()
    with writer_lock(own.directory / "lock"):
        found = [own.directory, *own.directory.rglob("*")]
        assert any(path.name == "data_level0.bin" for path in found)
        assert any(path.name == "lock.pid" for path in found)
        assert [path.name for path in found if stat.S_IMODE(path.stat().st_mode) & 0o077] == []
