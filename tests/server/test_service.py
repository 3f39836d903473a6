"""Open questions about a redraw: they outlive the process that asked, hold up their conversation, and are bounded."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from imagerag.errors import UserError
from imagerag.server import run_registry as register
from imagerag.server.job_queue import QueueFull
from imagerag.server.run import Run, RunRequest
from imagerag.server.service import LOCAL, Service
from testing.servers import Served, scripted_service
from tests.server.web.test_routes import browser_of, draw, events


def asked(service: Service, thread: str = "sea", client: str = LOCAL) -> Run:
    run = service.create(client, RunRequest("an owl", thread=thread, approve=True, seed=7))
    while run.asking is None:
        assert not run.wait(0.01), run.error
    return run


@pytest.mark.parametrize("references", [["ref-2"], None])
def test_a_question_is_answered_in_another_process(tmp_path: Path, references: list[str] | None) -> None:
    service = scripted_service(tmp_path, scores=[0.3])
    before = asked(service)
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


def test_the_page_shows_an_open_question_after_a_restart(tmp_path: Path) -> None:
    server = Served(scripted_service(tmp_path, scores=[0.3]))
    client = browser_of(server)
    run_id = client.post("/web/runs", json={"prompt": "an owl", "thread": "sea", "approve": True}).json()["run_id"]
    first = next(event for event in events(client, run_id) if event["event"] == "approval")
    server.stop()
    again = Served(scripted_service(tmp_path, scores=[0.9]))
    try:
        client = httpx.Client(base_url=again.url, cookies=client.cookies, timeout=30)
        told = client.get("/web/threads/sea").json()
        assert told["running"] == [{"run_id": run_id, "request": "an owl"}]
        assert told["turns"] == []
        stream = events(client, run_id)
        assert next(event for event in stream if event["event"] == "approval") == first
        client.post(f"/web/runs/{run_id}/decision", json={"choice": "edit", "references": ["ref-2"]})
        end = list(stream)[-1]["run"]
        assert end["image"]["references"] == ["ref-2"]
        (turn,) = client.get("/web/threads/sea").json()["turns"]
        assert [event["event"] for event in turn["events"]].count("images") == 2
    finally:
        again.stop()


def test_over_mcp_a_question_is_answered_after_a_restart(tmp_path: Path) -> None:
    pytest.importorskip("mcp")
    from mcp import Client

    from imagerag.server.mcp.server import build_mcp

    service = scripted_service(tmp_path, scores=[0.3])
    run_id = asked(service).id
    service.close()
    again = scripted_service(tmp_path, scores=[0.9])

    async def talk() -> Any:
        async with Client(build_mcp(again)) as client:
            await client.call_tool("answer_image", {"run_id": run_id, "keep": ["ref-1"]})
            return (await client.call_tool("get_image", {"run_id": run_id, "wait_seconds": 20})).structured_content

    try:
        done = asyncio.run(talk())
    finally:
        again.close()
    assert (done["status"], done["image"]["references"]) == ("done", ["ref-1"])


def test_a_conversation_that_waits_for_a_word_takes_no_other_turn(tmp_path: Path) -> None:
    service = scripted_service(tmp_path, scores=[0.3, 0.9])
    try:
        run = asked(service)
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


def test_runs_that_may_ask_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(register, "MAX_QUESTIONS", 2)
    monkeypatch.setattr(register, "MAX_QUESTIONS_OF_ALL", 3)
    service = scripted_service(tmp_path, scores=[0.3])
    try:
        first = asked(service, "one")
        asked(service, "two")
        with pytest.raises(UserError, match="2 runs of yours may ask about a redraw already; answer or stop one"):
            asked(service, "three")
        assert service.create(LOCAL, RunRequest("an owl", thread="three", mode="no_lookup")).wait(30), "others are free"
        asked(service, "one", client="a neighbour")
        with pytest.raises(QueueFull) as refused:
            asked(service, "one", client="another")
        assert refused.value.retry_after > 0
        service.cancel(first)
        assert first.wait(30)
        asked(service, "four")
    finally:
        service.close()


def test_what_a_question_refuses_the_page_is_told(tmp_path: Path) -> None:
    server = Served(scripted_service(tmp_path, scores=[0.3, 0.9]))
    try:
        client = browser_of(server)
        run_id = client.post("/web/runs", json={"prompt": "an owl", "thread": "sea", "approve": True}).json()["run_id"]
        next(event for event in events(client, run_id) if event["event"] == "approval")
        refused = client.post("/web/runs", json={"prompt": "a cat", "thread": "sea"})
        assert refused.status_code == 400
        assert "waits for your word" in refused.json()["error"]["message"]
        assert draw(client, "a cat", thread="land")[-1]["run"]["status"] == "done"
    finally:
        server.stop()
