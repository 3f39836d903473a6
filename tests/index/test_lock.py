"""The writer's lock where it can't be had; who waits for whom is in tests/index/bundled/test_build.py."""

import errno
import os
from pathlib import Path

import pytest

from imagerag.cli.main import run
from imagerag.errors import FileCause, FileError, UserError
from imagerag.index.lock import writer_lock

fcntl = pytest.importorskip("fcntl", reason="Windows locks otherwise")


@pytest.mark.parametrize(
    ("number", "cause"),
    [(errno.ENOLCK, "no locks"), (errno.EIO, "failing"), (errno.EPERM, "not permitted")],
)
def test_a_file_system_that_refuses_locks_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, cause: FileCause
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(FileError, match="lock' can't be locked") as caught, writer_lock(tmp_path / "lock", patience=0):
        pass
    assert caught.value.cause == cause


def test_it_is_one_line_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert run(["index", "rebuild", "--home", str(tmp_path)]) == 2
    assert "lock' can't be locked (No locks available); its file system has no file locks" in capsys.readouterr().err


def test_lock_is_let_go_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), writer_lock(tmp_path / "lock", patience=0):
        raise ZeroDivisionError
    with writer_lock(tmp_path / "lock", patience=0), pytest.raises(UserError, match=f"pid {os.getpid()}"):  # noqa: SIM117
        with writer_lock(tmp_path / "lock", patience=0):
            pass
