"""The client of chat models, over real HTTP: retries, timeouts, malformed answers."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from imagerag.chat_models import client
from imagerag.errors import UserError
from imagerag.graphs.agent_graph import build_graph
from imagerag.settings import Settings
from testing.chat_replies import DRAW
from testing.openai_server import Reply, serving
from testing.scripted import ScriptedCritic, Squares
from testing.served_runs import run_served
from testing.servers import Shelf

pytestmark = pytest.mark.usefixtures("quick_retries")


def test_a_wrong_key_and_nobody_there_are_one_line(tmp_path: Path) -> None:
    with serving([Reply("wrong key", status=401)]) as server, pytest.raises(UserError, match="wrong key") as refused:
        run_served(server, tmp_path)
    assert str(refused.value).endswith("; check the key in IMAGERAG_SERVER_KEY")
    assert len(server.requests) == 1
    with pytest.raises(UserError, match="Connection") as refused:
        run_served(server, tmp_path)
    assert str(refused.value).endswith(f"Connection error; check that a server is running at {server.url}")
    with (
        serving([Reply("no such model", status=404)]) as server,
        pytest.raises(UserError, match=r"address ends .* /v1"),
    ):
        run_served(server, tmp_path)


def test_what_passes_is_asked_again_and_the_wait_asked_for_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = Reply("busy", status=429, headers={"Retry-After": "0.3"})
    waited: list[float] = []
    monkeypatch.setattr(client, "pause", lambda seconds, check: waited.append(seconds))
    with serving([busy, Reply(status=503), DRAW]) as server:
        result = run_served(server, tmp_path, [0.9])
    assert (len(waited), waited[0]) == (2, 0.3)
    assert result["stop_reason"] == "satisfied"
    assert "429" in result["trace"][0]["error"]
    assert result["trace"][0]["step"] == 3, "every attempt counts"


def test_a_wait_longer_than_the_run_is_not_begun(tmp_path: Path) -> None:
    busy = Reply("busy", status=429, headers={"Retry-After": "3600"})
    with serving(lambda request, number: busy) as server:
        result = run_served(server, tmp_path / "a", max_seconds=500)
        assert len(server.requests) == 2, "the rules have drawn; the next question gets the same answer"
    assert result["image"]["id"] == "image-1"
    assert result["stop_reason"] == "error"
    assert "429: asks to wait 3600 s" in result["trace"][0]["error"]
    with serving([DRAW, busy]) as server:
        result = run_served(server, tmp_path / "b", max_seconds=500)
    assert result["stop_reason"] == "error"
    assert result["image"]["id"] == "image-1"
    assert sum(step["seconds"] for step in result["trace"]) < 400, "not waited out"


@pytest.mark.slow
@pytest.mark.parametrize(
    "reply",
    [
        Reply("Here is your owl: (o,o)"),
        Reply(""),
        Reply(None),
        Reply(None, extra={"refusal": "I can't help with that."}),
        Reply("Yes, but the owl is missing."),
        Reply("owl " * 200_000),
        Reply(calls=[("generate", {"prompt": "an owl"}), ("generate", {"prompt": "an owl"})]),
        Reply(calls=[("generate", {"prompt": "an owl"})] * 300),
        Reply(calls=[("paint", {"prompt": "an owl"})]),
        Reply(calls=[("", {})]),
        Reply(calls=[("generate", '{"prompt": "an owl')]),
        Reply(calls=[("generate", "[1, 2]")]),
        Reply(calls=[("generate", "null")]),
        Reply(calls=[("generate", {"prompt": ["an", "owl"]})]),
        Reply(calls=[("generate", {"prompt": "an owl", "seed": -3})]),
        Reply(calls=[("inspect_image", {"image_id": "/etc/passwd"})]),
        Reply(calls=[("inspect_image", {"image_id": "http://127.0.0.1/secret.png"})]),
        Reply(calls=[("regenerate_with_references", {"prompt": "an owl", "reference_ids": ["../../key"]})]),
        Reply(body=b"<html>not what you asked for</html>"),
        Reply(body=b'{"choices": null}'),
        Reply(body=b'{"choices": []}'),
        Reply(body=b"{}"),
        Reply(body=b""),
        Reply("an owl", cut=0.5),
        Reply("an owl", cut=0.0),
        Reply(status=500),
        Reply(status=429),
        Reply(status=400, body=b'{"error": {"message": "Failed to call a function.", "code": "tool_use_failed"}}'),
        Reply("the arguments are not JSON", status=400),
        Reply("unprocessable", status=422),
    ],
    ids=lambda reply: repr(reply)[:60],
)
@pytest.mark.parametrize("first", [True, False])
def test_whatever_comes_back_the_run_ends_with_an_image(tmp_path: Path, reply: Reply, first: bool) -> None:
    def script(request: dict[str, Any], number: int) -> Reply:
        return reply if first or number else DRAW

    with serving(script) as server:
        result = run_served(server, tmp_path, max_steps=10)
        assert len(server.requests) <= 10
    assert result["image"] is not None
    assert Path(result["image"]["path"]).is_file()
    assert result["stop_reason"] in ("steps", "generations", "done", "no_improvement", "error")


def test_a_malformed_call_that_the_server_refuses_is_asked_again(tmp_path: Path) -> None:
    error = {"message": "Failed to call a function.", "code": "tool_use_failed", "failed_generation": "<function=gen"}
    with serving([Reply(status=400, body=json.dumps({"error": error}).encode()), DRAW]) as server:
        result = run_served(server, tmp_path, [0.9])
    assert len(server.requests) == 2
    assert result["stop_reason"] == "satisfied"
    assert "Failed to call a function" in result["trace"][0]["error"]
    assert result["trace"][0]["step"] == 2


@pytest.mark.parametrize("status", [401, 403, 404])
def test_what_only_the_person_can_mend_is_one_line(tmp_path: Path, status: int) -> None:
    with serving([Reply("not for you", status=status)]) as server, pytest.raises(UserError, match="not for you"):
        run_served(server, tmp_path)
    assert len(server.requests) == 1


def test_that_the_rules_decide_is_told_with_the_reason(tmp_path: Path) -> None:
    graph = build_graph(critic=ScriptedCritic([0.9]), generator=Squares(), index=Shelf())
    with serving([Reply("no tools here", status=400)]) as server:
        settings = Settings(home=str(tmp_path), vlm=server.name)
        config: Any = {"configurable": {"thread_id": "t"}}
        events = list(graph.stream({"prompt": "an owl"}, config, context=settings, stream_mode="custom"))
    notes = [event["text"] for event in events if event["event"] == "note"]
    assert len(notes) == 1
    assert "no tools here" in notes[0]
    assert notes[0].endswith("the rules decide")


def test_a_question_refused_later_on_ends_the_run_with_its_image(tmp_path: Path) -> None:
    with serving([DRAW, Reply("your question is too long", status=400)]) as server:
        result = run_served(server, tmp_path)
    assert result["stop_reason"] == "error"
    assert result["image"]["id"] == "image-1"
    assert "too long" in result["trace"][-1]["error"]


@pytest.mark.slow
def test_a_server_that_drips_or_hangs_does_not_outlast_the_clock(tmp_path: Path) -> None:
    for reply in (Reply("an owl", drip=0.02), Reply("an owl", delay=60)):
        with (
            serving(lambda request, number, reply=reply: reply if number else DRAW) as server,
            ThreadPoolExecutor(1) as waiting,
        ):
            result = waiting.submit(run_served, server, tmp_path, max_seconds=1.0).result(timeout=30)
        assert result["stop_reason"] == "seconds"
        assert result["image"]["id"] == "image-1"


def test_a_connection_cut_in_the_middle_of_a_stream_loses_nothing(tmp_path: Path) -> None:
    cut = Reply("This looks like an owl, and what I would do next is", cut=0.5)
    graph = build_graph(critic=ScriptedCritic([0.5] * 9), generator=Squares(), index=Shelf())
    with serving(lambda request, number: cut if number in (1, 2, 3) else DRAW) as server:
        settings = Settings(home=str(tmp_path), vlm=server.name)
        config: Any = {"configurable": {"thread_id": "t"}}
        for _ in graph.stream({"prompt": "an owl"}, config, context=settings, stream_mode="messages"):
            pass
        assert server.requests[1]["stream"]
    values = graph.get_state(config).values
    assert values["image"]["id"] == "image-1"
    assert values["stop_reason"] == "error"
