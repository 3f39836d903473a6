"""The conversations of one client as a whole, beside those of others."""

from pathlib import Path
from typing import Any

import pytest

from imagerag.errors import UserError
from imagerag.graphs.thread_lock import holding
from imagerag.server import conversations
from imagerag.server.conversations import open_conversations
from imagerag.server.run import RunRequest
from testing.servers import scripted_service


def draw(home: Path, client: str, *threads: str) -> None:
    service = scripted_service(home)
    for thread in threads:
        assert service.create(client, RunRequest(f"an owl of {thread}", thread=thread)).wait(30)
    service.close()


def test_each_client_has_its_own(tmp_path: Path) -> None:
    draw(tmp_path, "one", "sea", "land")
    draw(tmp_path, "other", "sea")
    with open_conversations(tmp_path, "one") as own:
        assert own is not None
        assert {one.name for one in own.all()} == {"sea", "land"}
        own.rename("sea", "ocean")
        own.delete("land")
    with open_conversations(tmp_path, "other") as own:
        assert own is not None
        assert [one.name for one in own.all()] == ["sea"]
        with pytest.raises(UserError, match="no conversation 'ocean'"):
            own.turns("ocean")
    service = scripted_service(tmp_path)
    assert [service.conversations(client) for client in ("one", "other")] == [["ocean"], ["sea"]]
    assert len(service.database.told("one", "ocean")) == 1
    service.close()


def test_one_in_which_a_run_is_under_way_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw(tmp_path, "", "sea")
    monkeypatch.setattr(conversations, "UPDATE_WAIT", 0.0)
    nothing: Any = lambda *of: None  # noqa: E731
    with open_conversations(tmp_path) as own:
        assert own is not None
        import threading

        held, done = threading.Event(), threading.Event()

        def run() -> None:
            with holding(tmp_path, "sea", lambda: 0.0, nothing, nothing):
                held.set()
                done.wait(10)

        other = threading.Thread(target=run)
        other.start()
        assert held.wait(10)
        for change in (lambda: own.delete("sea"), lambda: own.rename("sea", "x")):
            with pytest.raises(UserError, match="sea"):
                change()
        done.set()
        other.join()
        assert [one.name for one in own.all()] == ["sea"]


def test_nothing_is_made_where_there_is_nothing(tmp_path: Path) -> None:
    with open_conversations(tmp_path / "none") as own:
        assert own is None
    assert not (tmp_path / "none").exists()
