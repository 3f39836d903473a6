"""Lists of the servers' database: in the order of what happened, whatever the clock says."""

import itertools
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from imagerag.server.database import Database, RunLog


@pytest.fixture
def backwards(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that is set back by an hour between any two looks at it."""
    times = itertools.count(1e9, -3600)
    monkeypatch.setattr("imagerag.server.database.time.time", lambda: next(times))


def image(number: int) -> Any:
    return {"id": f"image-{number}", "sha256": f"{number:064x}", "prompt": f"prompt {number}"}


@pytest.mark.usefixtures("backwards")
def test_what_was_entered_last_comes_first(tmp_path: Path) -> None:
    with closing(Database(tmp_path)) as database:
        entries = [database.upload("c", f"{number}.png", f"{number:064x}") for number in range(5)]
        ids = [entry.id for entry in entries]
        assert [entry.id for entry in database.latest("c")] == ids[::-1]
        assert [entry.id for entry in database.listed("c", 9, oldest_first=True)] == ids
        assert [entry.id for entry in database.listed("c", 2, after=entries[3])] == [ids[2], ids[1]]
        assert [entry.id for entry in database.listed("c", 9, oldest_first=True, after=entries[2])] == ids[3:]
        assert database.listed("c", 9, after=entries[0]) == []


@pytest.mark.usefixtures("backwards")
def test_the_conversation_last_drawn_in_comes_first(tmp_path: Path) -> None:
    with closing(Database(tmp_path)) as database:
        for number, thread in enumerate(("sea", "land", "sea")):
            database.enter("c", thread, [image(number)])
        assert database.threads("c") == [("sea", "prompt 0"), ("land", "prompt 1")]


def test_runs_that_ask_come_in_the_order_in_which_they_asked(tmp_path: Path) -> None:
    with closing(Database(tmp_path)) as database:
        for turn in (1, 2, 3):
            database.keep(RunLog(f"run-{turn}", "c", "sea", turn, True, {}, 2e9 - turn))
        assert [run_log.id for run_log in database.asking(0.0)] == ["run-1", "run-2", "run-3"]
