"""In which order files reach the disk, by the system calls of whole commands: a power failure at any moment finds
nothing that refers to what is not there yet.
"""

import sys
from pathlib import Path

import pytest

from testing.system_calls import Call, can_record, read_calls, recorded
from testing.user_pictures import save_picture

COPIES = ("library", "own/copies", "index")
"""Folders of what can be made again, which is not waited for."""


def test_a_record_is_read_in_the_order_in_which_calls_begin_and_end() -> None:
    lines = [
        '7 write(3</a/.writing-x>, "da\\"ta", 5) = 5',
        "7 fsync(3</a/.writing-x> <unfinished ...>",
        '8 write(4</b>, "b", 1) = -1 ENOSPC (No space left on device)',
        "7 <... fsync resumed>)             = 0",
        '7 rename("/a/.writing-x", "/a/x") = 0',
        '7 unlinkat(AT_FDCWD, "/b", 0) = 0',
    ]
    assert read_calls(lines) == [
        Call("write", "/a/.writing-x", "", 0, 0, 'da\\"ta', 3),
        Call("fsync", "/a/.writing-x", "", 1, 3, "", 3),
        Call("rename", "/a/.writing-x", "/a/x", 4, 4, "", -1),
        Call("unlink", "/b", "", 5, 5, "", -1),
    ]


@pytest.mark.parametrize("order", ["wrsd", "swrd", "rwsd", "wsr"])
def test_a_wrong_order_is_seen(order: str) -> None:
    """Written, synchronised, renamed, the folder synchronised: any other order is a defect."""
    spelt = {
        "w": '7 write(3</h/.writing-x>, "data", 4) = 4',
        "s": "7 fsync(3</h/.writing-x>) = 0",
        "r": '7 rename("/h/.writing-x", "/h/x") = 0',
        "d": "7 fsync(4</h>) = 0",
    }
    assert _durable(read_calls([spelt[one] for one in "wsrd"]), Path("/h")) == {"/h/x": 3}
    with pytest.raises((AssertionError, ValueError)):
        _durable(read_calls([spelt[one] for one in order]), Path("/h"))


@pytest.mark.parametrize("order", ["wfs", "swf"])
def test_a_database_that_changes_before_its_log_is_seen(order: str) -> None:
    spelt = {
        "w": '7 pwrite64(5</h/t-wal>, "frame", 5, 0) = 5',
        "s": "7 fdatasync(5</h/t-wal>) = 0",
        "f": '7 pwrite64(6</h/t>, "page", 4, 0) = 4',
    }
    _checked_database(read_calls([spelt[one] for one in "wsf"]), "/h/t", 9)
    with pytest.raises(AssertionError):
        _checked_database(read_calls([spelt[one] for one in order]), "/h/t", 9)


def _run(tmp_path: Path, *arguments: str) -> list[Call]:
    command = [sys.executable, "-m", "imagerag", *arguments, "--home", str(tmp_path / "home")]
    return recorded(command, tmp_path / "record")


def _last(calls: list[Call], name: str, path: str, before: int) -> int:
    """Return when the last such call before a moment has ended; -1 if there is none."""
    return max((one.ended for one in calls if (one.name, one.path) == (name, path) and one.ended < before), default=-1)


def _first(calls: list[Call], name: str, path: str, after: int) -> int:
    """Return when the first such call that begins after a moment has ended."""
    return min(one.ended for one in calls if (one.name, one.path) == (name, path) and one.begun > after)


def _durable(calls: list[Call], home: Path) -> dict[str, int]:
    """Check that each file was on the disk before it got its name, and return when that name was, too."""
    names = {}
    for call in calls:
        inside = call.to.removeprefix(f"{home}/")
        if call.name != "rename" or inside == call.to or inside.startswith(COPIES):
            continue
        written = _last(calls, "write", call.path, call.begun)
        assert 0 <= written < _last(calls, "fsync", call.path, call.begun), f"{inside} has a name before it is written"
        names[call.to] = _first(calls, "fsync", str(Path(call.to).parent), call.ended)
    return names


def _checked_database(calls: list[Call], file: str, answered: int) -> None:
    """Check that SQLite's log is on the disk before the file itself changes, and before the command answers."""
    log = f"{file}-wal"
    changes = [one for one in calls if one.name == "write" and one.path == file]
    for moment in [answered, *(one.begun for one in changes)]:
        assert _last(calls, "write", log, moment) <= _last(calls, "fsync", log, moment)
    for gone in (one.begun for one in calls if (one.name, one.path) == ("unlink", log)):
        assert _last(calls, "write", file, gone) < _last(calls, "fsync", file, gone)


@pytest.mark.slow
@pytest.mark.skipif(not can_record(), reason="strace is not there")
class TestOrder:
    def test_an_image_is_on_the_disk_before_its_thread_names_it(self, tmp_path: Path) -> None:
        calls = _run(tmp_path, "a red owl", "--thread", "t", "--max-generations", "1", "--no-copy")
        home = tmp_path / "home"
        names = _durable(calls, home)
        images = {name for name in names if name.startswith(f"{home}/images/")}
        assert len(images) == 1
        answered = next(one.begun for one in calls if one.handle == 1 and Path(next(iter(images))).stem in one.data)
        threads = str(home / "threads.sqlite")
        for name in images:
            renamed = min(one.ended for one in calls if one.to == name)
            there = _first(calls, "fsync", str(Path(name).parent), renamed)
            told = [one.begun for one in calls if one.path == f"{threads}-wal" and Path(name).stem in one.data]
            assert there < min(told)
            assert max(names.values()) < answered
        _checked_database(calls, threads, answered)

    def test_a_shard_is_on_the_disk_before_its_copy_is_told_to_be_whole(self, tmp_path: Path) -> None:
        save_picture(tmp_path / "p", "owl.png", "owl")
        calls = _run(tmp_path, "index", "add", str(tmp_path / "p"))
        names = _durable(calls, tmp_path / "home")
        (shard,) = (there for name, there in names.items() if name.endswith(".parquet"))
        (applied,) = (one.begun for one in calls if Path(one.to).name.startswith("applied-"))
        answered = next(one.begun for one in calls if one.handle == 1 and "added 1" in one.data)
        assert shard < applied < max(names.values()) < answered
