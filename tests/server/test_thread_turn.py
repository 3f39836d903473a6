"""Runs whose thread somebody else goes on with."""

from pathlib import Path

from imagerag.graphs.thread_lock import holding
from imagerag.server.run import RunRequest
from imagerag.server.thread_history import LOCAL
from imagerag.server.thread_turn import ThreadTurn
from testing.servers import scripted_service


def test_a_run_that_waits_for_its_thread_holds_up_no_other_thread(tmp_path: Path) -> None:
    service = scripted_service(tmp_path)
    try:
        with holding(tmp_path, "sea", lambda: 0, lambda: None, print):
            waiting = service.create(LOCAL, RunRequest("an owl", thread="sea"))
            other = service.create(LOCAL, RunRequest("a cat", thread="land"))
            assert other.wait(30)
            assert (other.status, waiting.status, waiting.wait(0)) == ("done", "queued", False)
        assert waiting.wait(30)
        notes = [event["text"] for event in waiting.events if event["event"] == "note"]
        assert (waiting.status, notes) == ("done", ["waiting: another run of thread 'sea' is under way"])
    finally:
        service.close()


def test_a_run_waits_for_its_thread_no_longer_than_it_may_take(tmp_path: Path) -> None:
    service = scripted_service(tmp_path)
    try:
        with holding(tmp_path, "sea", lambda: 0, lambda: None, print):
            run = service.create(LOCAL, RunRequest("an owl", thread="sea", limits={"max_seconds": 0.3}))
            assert run.wait(30)
        assert run.status == "failed"
        assert (run.failure or "").startswith(
            "another run of thread 'sea' is under way, and this one has waited for 0.3 s"
        )
    finally:
        service.close()


def test_a_thread_that_nobody_has_is_taken_at_once(tmp_path: Path) -> None:
    service = scripted_service(tmp_path)
    try:
        run = service.create(LOCAL, RunRequest("an owl", thread="sea"))
        assert run.wait(30)
        told = len(run.events)
        with ThreadTurn(service.threads, run, lambda: 0.0).alone():
            assert len(run.events) == told
    finally:
        service.close()
