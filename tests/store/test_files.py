"""Files that are there whole or not at all."""

import os
from pathlib import Path

import pytest

from imagerag.errors import InvalidArgument, UserError
from imagerag.store.files import address_path, make_writable, read_whole, write_whole
from imagerag.store.output_files import write_new


def test_a_file_is_replaced_whole_and_nothing_else_is_left(tmp_path: Path) -> None:
    file = tmp_path / "new" / "a.bin"
    for data in (b"first", b""):
        write_whole(file, data)
        assert read_whole(file) == data
    assert list(file.parent.iterdir()) == [file]


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.bin"
    write_whole(file, b"old")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("imagerag.store.files.os.replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_whole(file, b"new")
    assert (read_whole(file), list(tmp_path.iterdir())) == (b"old", [file])


def test_what_cannot_be_read_or_written_is_one_line_with_the_path(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="gone' can't be read"):
        read_whole(tmp_path / "gone")
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"can't be written .*IMAGERAG_HOME"):
        write_whole(tmp_path / "file" / "below", b"")
    with pytest.raises(OSError, match="file"):
        make_writable(tmp_path / "file" / "below")


def test_only_an_address_becomes_a_path(tmp_path: Path) -> None:
    assert address_path(tmp_path, "ab" * 32) == tmp_path / "ab" / f"{'ab' * 32}.png"
    for wrong in ("../../etc/passwd", "AB" * 32, "ab" * 31, ""):
        with pytest.raises(InvalidArgument, match="64 hexadecimal digits"):
            address_path(tmp_path, wrong)


def test_content_and_names_are_on_the_disk_in_that_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Recorded as they are called: a file is synced before it gets its name, and every folder with a new name after."""
    calls: list[tuple[str, str]] = []
    opened: dict[int, str] = {}
    real_open, real_sync, real_replace, real_link = os.open, os.fsync, os.replace, os.link

    def record_open(path: str, *given: int, **named: int) -> int:
        handle = real_open(path, *given, **named)
        opened[handle] = str(path)
        return handle

    def record_sync(handle: int) -> None:
        calls.append(("sync", opened[handle]))
        real_sync(handle)

    def record_name(old: str, new: Path) -> None:
        calls.append(("rename", str(new)))
        assert calls[-2] == ("sync", str(old)), "its content comes first"

    def record_replace(old: str, new: Path) -> None:
        record_name(old, new)
        real_replace(old, new)

    def record_link(old: str, new: Path) -> None:
        record_name(old, new)
        real_link(old, new)

    monkeypatch.setattr("os.open", record_open)
    monkeypatch.setattr("os.fsync", record_sync)
    monkeypatch.setattr("os.replace", record_replace)
    monkeypatch.setattr("os.link", record_link)
    file = tmp_path / "new" / "newer" / "a.bin"
    write_whole(file, b"content")
    after = calls[calls.index(("rename", str(file))) + 1 :]
    assert {("sync", str(folder)) for folder in (file.parent, file.parent.parent, tmp_path)} == set(after)
    calls.clear()
    write_new(tmp_path, "owl", ".png", b"content")
    assert [kind for kind, _ in calls] == ["sync", "rename", "sync"]
    assert calls[-1] == ("sync", str(tmp_path))
