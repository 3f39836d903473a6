"""Runs that wait for approval outlive the process, and hold up their conversation."""

import inspect
import itertools
from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.graphs.state import Output
from imagerag.graphs.thread_lock import holding
from imagerag.server.run import RunRequest
from imagerag.server.thread_history import LOCAL
from testing.scripted import STEPS
from testing.servers import scripted_service, waiting_run
from testing.stored_images import encoded, picture


@pytest.mark.parametrize("references", [["ref-2"], None])
def test_a_question_is_answered_in_another_process(tmp_path: Path, references: list[str] | None) -> None:
    service = scripted_service(tmp_path, scores=[0.3])
    before = waiting_run(service)
    service.close()
    again = scripted_service(tmp_path, scores=[0.9])
    try:
        run = again.run(before.id, LOCAL)
        assert run is not None
        assert (run.status, run.request, run.question) == ("asking", "an owl", before.question)
        assert again.run(before.id, "somebody else") is None
        assert again.running(LOCAL, "sea") == [run]
        again.decide(run, references)
        assert run.wait(30)
        assert run.output is not None
        assert run.status == ("done" if references else "cancelled")
        assert run.output["image"] is not None
        assert run.output["images"][-1]["references"] == (references or [])
        assert run.output["images"][0]["seed"] == 7
    finally:
        again.close()
    third = scripted_service(tmp_path)
    assert third.run(before.id, LOCAL) is None, "answered once and for all"
    third.close()


def test_a_conversation_that_waits_for_a_word_takes_no_other_turn(tmp_path: Path) -> None:
    service = scripted_service(tmp_path, scores=[0.3, 0.9])
    try:
        run = waiting_run(service)
        with pytest.raises(UserError, match="conversation 'sea' waits for your word on a redraw"):
            service.create(LOCAL, RunRequest("a cat", thread="sea"))
        with pytest.raises(UserError, match="waits for your word"):
            service.use_tool(LOCAL, "sea", "generate", {"prompt": "a cat"})
        other = service.create(LOCAL, RunRequest("a cat", thread="land"))
        assert other.wait(30)
        service.decide(run, None)
        assert run.wait(30)
        assert service.create(LOCAL, RunRequest("a cat", thread="sea")).wait(30)
    finally:
        service.close()


def test_an_answer_comes_too_late_where_the_conversation_has_gone_on_elsewhere(tmp_path: Path) -> None:
    here, elsewhere = (scripted_service(tmp_path, scores=(0.3, 0.9)) for _ in range(2))
    try:
        run = waiting_run(here)
        assert elsewhere.register.find(run.id) is None
        other = elsewhere.create(LOCAL, RunRequest("a cat", thread="sea", mode="no_lookup"))
        assert other.wait(30)
        here.decide(run, None)
        assert run.wait(30)
        assert (run.status, run.output) == ("failed", None)
        assert run.failure == (
            "conversation 'sea' has gone on elsewhere since this redraw was asked about, so it isn't made"
        )
        images = here.threads.state(LOCAL, "sea")["all_images"]
        assert [(image["id"], image["turn"]) for image in images][:1] == [("image-1", 1)]
        assert images[-1]["turn"] == 2
    finally:
        here.close()
        elsewhere.close()


def test_a_run_that_is_cancelled_while_it_waits_for_its_thread_is_cancelled(tmp_path: Path) -> None:
    service = scripted_service(tmp_path)
    try:
        with holding(tmp_path, "sea", lambda: 0, lambda: None, print):
            run = service.create(LOCAL, RunRequest("an owl", thread="sea"))
            while not any(event["event"] == "note" for event in run.events):
                assert not run.wait(0.01)
            assert run.events[-1]["text"] == "waiting: another run of thread 'sea' is under way"
            service.cancel(run)
            assert run.wait(30)
        assert (run.status, run.failure) == ("cancelled", None)
    finally:
        service.close()


def test_of_a_run_that_has_ended_nothing_large_is_kept(tmp_path: Path) -> None:
    """Hundreds are remembered, and each may have brought pictures of 320 MB."""
    steps = itertools.count(1)

    def fail(step: int) -> None:
        if next(steps) > STEPS:
            raise RuntimeError("no more")

    service = scripted_service(tmp_path, before_step=fail)
    try:
        runs = []
        for prompt in ("an owl", "a cat"):
            run = service.create("c", RunRequest(prompt, pictures=(encoded(picture()),)))
            assert run.wait(60)
            assert run.job is not None
            assert run.job.finished.wait(60)
            assert run.ask is not None
            assert run.ask.pictures == ()
            closure = inspect.getclosurevars(run.job.work)
            assert not closure.nonlocals, "nothing is held by what it had to do"
            runs.append(run)
        assert runs[0].output is not None
        assert runs[0].output["image"] is not None
        assert runs[0].output["messages"] == []
        assert set(runs[0].output) == set(Output.__annotations__), "lists of all turns are in the thread alone"
        assert isinstance(runs[1].error, RuntimeError)
        assert runs[1].error.__traceback__ is None
    finally:
        service.close()
