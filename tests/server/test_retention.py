"""What is older than it may be goes when a server starts, and once in a while."""

import logging
import time
from pathlib import Path

import pytest

from imagerag.errors import FileError
from imagerag.server import retention
from imagerag.server.cleaning import Garbage
from imagerag.server.retention import Retention
from imagerag.server.service import Service
from imagerag.settings import Settings


def _until(happened: list[float], times: int) -> None:
    until = time.monotonic() + 60
    while len(happened) < times:
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.parametrize("error", [None, FileError("full", "x", "full", "full"), RuntimeError("a defect")])
def test_it_goes_on_until_it_is_closed_whatever_goes_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception | None
) -> None:
    asked: list[float] = []

    def remove(home: Path, days: float) -> Garbage:
        asked.append(days)
        if error is not None:
            raise error
        return Garbage(threads=["sea"], notes=["thread 'owl' stays: a run of it is under way"])

    monkeypatch.setattr(retention, "remove_garbage", remove)
    with caplog.at_level(logging.INFO):
        kept = Retention(tmp_path, 30, begin=0, every=0.01)
        _until(asked, 3)
        kept.close()
    assert set(asked) == {30}
    assert ("removed 1 conversations" in caplog.text) == (error is None)
    assert ("stays: " in caplog.text or "stays\n" in caplog.text) is True


def test_a_server_removes_nothing_unless_it_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[float] = []

    class Told(Retention):
        def __init__(self, home: Path, days: float) -> None:
            begun.append(days)
            super().__init__(home, days)

    monkeypatch.setattr("imagerag.server.service.Retention", Told)
    for days in (None, 90.0):
        Service(Settings(home=str(tmp_path), keep_days=days)).close()
    assert begun == [90.0]
