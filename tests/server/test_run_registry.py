"""Runs that wait for an answer are bounded."""

from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.server import run_registry as register
from imagerag.server.job_queue import QueueFull
from imagerag.server.run import RunRequest
from imagerag.server.thread_history import LOCAL
from testing.servers import scripted_service, waiting_run


def test_runs_that_may_ask_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(register, "MAX_QUESTIONS", 2)
    monkeypatch.setattr(register, "MAX_QUESTIONS_OF_ALL", 3)
    service = scripted_service(tmp_path, scores=[0.3])
    try:
        first = waiting_run(service, "one")
        waiting_run(service, "two")
        with pytest.raises(UserError, match="2 runs of yours may ask about a redraw already; answer or stop one"):
            waiting_run(service, "three")
        assert service.create(LOCAL, RunRequest("an owl", thread="three", mode="no_lookup")).wait(30), "others are free"
        waiting_run(service, "one", client="a neighbour")
        with pytest.raises(QueueFull) as refused:
            waiting_run(service, "one", client="another")
        assert refused.value.retry_after > 0
        service.cancel(first)
        assert first.wait(30)
        waiting_run(service, "four")
    finally:
        service.close()
