"""Recording what is said to models, and playing it back: the same run again, offline, and no key in the file."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from imagerag.agent.registry import load_chat_model, load_critic, load_writer
from imagerag.chat_models import client
from imagerag.chat_models.providers import SERVER_KEY
from imagerag.chat_models.recording import Recorder, Request, open_recorder
from imagerag.chat_models.replay import open_recording
from imagerag.errors import UserError
from imagerag.graphs import Settings, build_graph
from imagerag.settings import load_settings, without_server_paths
from testing.openai_server import Reply, serving
from testing.scripted import ScriptedCritic, Squares
from testing.servers import Shelf

DRAW = Reply(calls=[("generate", {"prompt": "an owl"})])
CAPTIONS = Reply(calls=[("propose_captions", {"concepts": ["owl"]})])
WORDED = Reply(json.dumps({"concepts": [{"concept": "owl", "captions": ["a barn owl"]}]}))
SEARCH = Reply(calls=[("search_references", {"captions": [{"concept": "owl", "caption": "an owl"}], "k": 2})])
REDRAW = Reply(calls=[("regenerate_with_references", {"prompt": "an owl", "reference_ids": ["ref-1"]})])


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(client, "BACKOFF", 0.001)
    caches = (load_chat_model, load_critic, load_writer, open_recorder, open_recording)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


def judged(present: bool) -> Reply:
    concept = {"concept": "owl", "kind": "content", "present": present, "confidence": 0.8}
    return Reply(json.dumps({"concepts": [concept], "matches": present}))


def by_purpose(driver: list[Reply], critic: list[Reply], writer: list[Reply]) -> Any:
    """Return a script that answers driver, critic and writer each by a list of its own."""
    lists = {"driver": iter(driver), "critic": iter(critic), "writer": iter(writer)}

    def script(request: dict[str, Any], number: int) -> Reply:
        said = json.dumps(request["messages"])
        role = (
            "driver"
            if "generate" in str(request.get("tools"))
            else "critic"
            if "Look at the image" in said
            else "writer"
        )
        return next(lists[role])

    return script


def whole_loop() -> Any:
    busy = Reply("busy", status=429, headers={"Retry-After": "0.01"})
    bad = Reply("Yes, but the owl is missing.")
    return by_purpose([DRAW, busy, CAPTIONS, SEARCH, REDRAW], [bad, judged(False), judged(True)], [WORDED])


def run(home: Path, **settings: Any) -> Any:
    """Run one turn under a seed of its own."""
    critic = {} if settings.get("critic") else {"critic": ScriptedCritic([0.5] * 9)}
    graph = build_graph(**critic, generator=Squares(), index=Shelf())
    settings = Settings(**{"home": str(home), **settings})
    return graph.invoke({"prompt": "an owl"}, {"configurable": {"thread_id": "t"}}, context=settings)


def told(result: Any) -> dict[str, Any]:
    """Return all that has to be the same in a replay."""
    images = [{key: value for key, value in image.items() if key != "path"} for image in result["images"]]
    trace = [{key: value for key, value in step.items() if key != "seconds"} for step in result["trace"]]
    return {"images": images, "verdict": result["verdict"], "stop": result["stop_reason"], "trace": trace}


def test_a_recorded_run_is_played_back_without_the_server(tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    with serving(whole_loop()) as server:
        first = run(tmp_path / "a", vlm=server.name, critic=server.name, record=str(file))
    assert first["stop_reason"] == "satisfied"
    again = run(tmp_path / "b", vlm=f"replay:{file}", critic=f"replay:{file}")
    assert told(again) == told(first)
    third = run(tmp_path / "c", vlm=f"replay:{file}", critic=f"replay:{file}")
    assert told(third) == told(first), "every run plays from the beginning"
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line.get("role") for line in lines].count("driver") == 5
    assert [line["exchange"] for line in lines[1:]] == list(range(1, 10))
    assert lines[0]["seed"] == first["image"]["seed"] - 1
    assert sum(line.get("answer", {}).get("usage_metadata", {}).get("total_tokens", 0) for line in lines) == 880
    assert [line["failure"]["status"] for line in lines if "failure" in line] == [429]
    assert "base64" not in file.read_text()
    assert str(tmp_path) not in file.read_text()


def test_no_key_lands_in_the_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SERVER_KEY, "key-of-the-server")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-elsewhere")
    echo = "bad key key-of-the-server or pass-in-url or query-in-url or sk-elsewhere"
    file = tmp_path / "run.jsonl"
    script = [DRAW, Reply(echo, status=401)]
    with serving(script) as server:
        url = server.url.replace("http://", "http://user-in-url:pass-in-url@") + "?key=query-in-url"
        run(tmp_path, vlm=f"openai:scripted@{url}", record=str(file))
        assert server.headers
    text = file.read_text()
    assert "bad key [key] or [key] or [key] or [key]" in text
    for secret in ("key-of-the-server", "sk-elsewhere", "user-in-url", "pass-in-url", "query-in-url", "Bearer"):
        assert secret not in text


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {"mode": "no_lookup"},
            r"exchange 1 of recording .*run\.jsonl' \(driver\) was another request: .* replay with",
        ),
        ({"seed": 5}, r"exchange 2 .*message 4 was .*seed.* and is .*seed 5"),
        ({"max_generations": 1}, None),
    ],
)
def test_another_request_than_the_recorded_is_one_line_with_its_number(
    tmp_path: Path, change: dict[str, Any], says: str | None
) -> None:
    file = tmp_path / "run.jsonl"
    with serving([DRAW, SEARCH, Reply("enough")]) as server:
        run(tmp_path / "a", vlm=server.name, record=str(file))
    if says is None:
        assert run(tmp_path / "b", vlm=f"replay:{file}", **change)["image"]["id"] == "image-1"
        return
    with pytest.raises(UserError, match=says) as refused:
        run(tmp_path / "b", vlm=f"replay:{file}", **change)
    assert "\n" not in str(refused.value)


def test_a_replay_that_asks_on_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    with serving([DRAW, SEARCH]) as server:
        run(tmp_path / "a", vlm=server.name, record=str(file), max_steps=2)
    with pytest.raises(UserError, match="has 2 exchanges with the driver, and this run asks for another"):
        run(tmp_path / "b", vlm=f"replay:{file}")


def test_the_clock_that_ended_a_recorded_run_ends_its_replay(tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    with serving([DRAW, Reply("an owl", delay=60)]) as server:
        first = run(tmp_path / "a", vlm=server.name, record=str(file), max_seconds=1.5)
    again = run(tmp_path / "b", vlm=f"replay:{file}")
    assert again["stop_reason"] == "seconds"
    assert told(again) == told(first)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "can't be read"),
        ("", "is not a recording"),
        ("[]", "is not a recording"),
        ('{"run": 1}', "is not a recording"),
        ("not json", "is not a recording"),
        ('{"run": 1, "version": 1, "turn": 1, "seed": 1}', "has no exchange with a driver; leave --vlm replay:... out"),
    ],
)
def test_a_file_that_is_no_recording_is_one_line(tmp_path: Path, text: str | None, says: str) -> None:
    file = tmp_path / "run.jsonl"
    if text is not None:
        file.write_text(text)
    with pytest.raises(UserError, match=says) as refused:
        load_chat_model(f"replay:{file}")
    assert "\n" not in str(refused.value)


def test_a_recording_is_never_written_over(tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    file.write_text("mine")
    with serving([DRAW]) as server, pytest.raises(UserError, match="has something in it already"):
        run(tmp_path, vlm=server.name, record=str(file))
    assert file.read_text() == "mine"
    with serving([DRAW]) as server, pytest.raises(UserError, match="can't be written"):
        run(tmp_path, vlm=server.name, record=str(tmp_path / "nowhere" / "run.jsonl"))
    assert server.requests == []


def test_a_client_can_name_no_recording_of_the_server(tmp_path: Path) -> None:
    own = load_settings(environ={"IMAGERAG_RECORD": "own.jsonl"})
    assert own.record == "own.jsonl"
    assert without_server_paths(Settings(), {"IMAGERAG_RECORD": "own.jsonl"}).record == "own.jsonl"
    with pytest.raises(UserError, match="on the server, which clients can't choose"):
        without_server_paths(Settings(record="x"), {})
    for settings in (
        Settings(vlm="replay:/etc/passwd"),
        Settings(critic="openai:m@http://10.0.0.1/v1"),
        Settings(generator="comfyui:/etc/passwd@http://10.0.0.1"),
        Settings(generator="flux2"),
    ):
        with pytest.raises(UserError, match="chosen by whoever runs this server, not by its clients"):
            without_server_paths(settings, {})
    assert without_server_paths(replace(Settings(), vlm="replay:x"), {"IMAGERAG_VLM": "replay:x"}).vlm == "replay:x"


def test_a_key_as_a_name_is_left_out_and_addresses_in_what_is_said_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_API_KEY", "sk-very-secret")
    recorder = Recorder(str(tmp_path / "run.jsonl"))
    said = "like https://example.com/owl.png?id=77"
    outcome = {"answer": {"text": said, "calls": [{"args": {"sk-very-secret": 1}}]}}
    recorder.enter(
        1.0, "driver", "openai:m@http://u:p-word@h/v1?k=12345678", Request([{"content": said}], "x"), outcome
    )
    recorder.enter(
        1.0, "driver", "m", Request([], "x"), {"failure": {"why": "404 for http://h/v1?key=abc", "lasting": 1}}
    )
    text = (tmp_path / "run.jsonl").read_text()
    assert "secret" not in text
    assert text.count(said) == 2
    for hidden in ("p-word", "12345678", "key=abc"):
        assert hidden not in text
