"""Replays of a recording: the same run again, offline; anything else is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from imagerag.agent.registry import load_chat_model
from imagerag.errors import UserError
from imagerag.graphs.agent_graph import build_graph
from imagerag.settings import Settings
from testing.chat_replies import DRAW, LOOK, NO_TOOLS, REDRAW, SEARCH, in_plain_turns, whole_loop, written
from testing.openai_server import Reply, serving
from testing.scripted import ScriptedCritic, Squares
from testing.served_runs import run_recorded, run_served
from testing.servers import Shelf

pytestmark = pytest.mark.usefixtures("fresh_recordings")


def comparable(result: Any) -> dict[str, Any]:
    """Return all that has to be the same in a replay."""
    images = [{key: value for key, value in image.items() if key != "path"} for image in result["images"]]
    trace = [{key: value for key, value in step.items() if key != "seconds"} for step in result["trace"]]
    return {"images": images, "verdict": result["verdict"], "stop": result["stop_reason"], "trace": trace}


def test_a_recorded_run_is_played_back_without_the_server(tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    with serving(whole_loop()) as server:
        first = run_recorded(tmp_path / "a", vlm=server.name, critic=server.name, record=str(file))
    assert first["stop_reason"] == "satisfied"
    again = run_recorded(tmp_path / "b", vlm=f"replay:{file}", critic=f"replay:{file}")
    assert comparable(again) == comparable(first)
    third = run_recorded(tmp_path / "c", vlm=f"replay:{file}", critic=f"replay:{file}")
    assert comparable(third) == comparable(first), "every run plays from the beginning"
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line.get("role") for line in lines].count("driver") == 5
    assert [line["exchange"] for line in lines[1:]] == list(range(1, 10))
    assert lines[0]["seed"] == first["image"]["seed"] - 1
    assert sum(line.get("answer", {}).get("usage_metadata", {}).get("total_tokens", 0) for line in lines) == 880
    assert [line["failure"]["status"] for line in lines if "failure" in line] == [429]
    assert "base64" not in file.read_text()
    assert str(tmp_path) not in file.read_text()


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
        run_recorded(tmp_path / "a", vlm=server.name, record=str(file))
    if says is None:
        assert run_recorded(tmp_path / "b", vlm=f"replay:{file}", **change)["image"]["id"] == "image-1"
        return
    with pytest.raises(UserError, match=says) as refused:
        run_recorded(tmp_path / "b", vlm=f"replay:{file}", **change)
    assert "\n" not in str(refused.value)


def test_a_replay_that_asks_on_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    with serving([DRAW, SEARCH]) as server:
        run_recorded(tmp_path / "a", vlm=server.name, record=str(file), max_steps=2)
    with pytest.raises(UserError, match="has 2 exchanges with the driver, and this run asks for another"):
        run_recorded(tmp_path / "b", vlm=f"replay:{file}")


@pytest.mark.slow
def test_the_clock_that_ended_a_recorded_run_ends_its_replay(tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    with serving([DRAW, Reply("an owl", delay=60)]) as server:
        first = run_recorded(tmp_path / "a", vlm=server.name, record=str(file), max_seconds=1.5)
    again = run_recorded(tmp_path / "b", vlm=f"replay:{file}")
    assert again["stop_reason"] == "seconds"
    assert comparable(again) == comparable(first)


def exchange(**changes: Any) -> str:
    """A recording of one exchange, changed."""
    request = {"digest": "0", "messages": [], "shapes": ""}
    told = {"run": 1, "exchange": 1, "role": "driver", "model": "m", "request": request, "answer": {"content": "x"}}
    run = {"run": 1, "version": 1, "turn": 1, "seed": 1}
    kept = {name: value for name, value in {**told, **changes}.items() if value != "left out"}
    return f"{json.dumps(run)}\n{json.dumps(kept)}\n"


UNPLAYABLE: list[dict[str, Any]] = [
    {"answer": "left out"},
    {"answer": None},
    {"answer": {"content": 7}},
    {"answer": {"tool_calls": [{"name": None}]}},
    {"answer": {"tool_calls": "0"}},
    {"answer": "left out", "failure": {"why": "x"}},
    {"answer": "left out", "ended": "seconds"},
    {"answer": "left out", "ended": ["seconds", "many", 1]},
    {"request": {"digest": "0"}},
    {"request": []},
    {"role": 7},
    {"run": {}},
]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "can't be read"),
        ("", "is not a recording"),
        ("[]", "is not a recording"),
        ('{"run": 1}', "is not a recording"),
        ("not json", "is not a recording"),
        ("[" * 100_000, "is not a recording"),
        *((exchange(**changes), "is not a recording") for changes in UNPLAYABLE),
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


def test_what_was_asked_in_plain_turns_is_played_back_so(tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    replies = [written(reply) for reply in (DRAW, SEARCH, LOOK, REDRAW)]
    with serving(in_plain_turns(replies, NO_TOOLS, 400)) as server:
        recorded = run_served(server, tmp_path / "one", [0.3, 0.9], record=str(file))
    graph = build_graph(critic=ScriptedCritic([0.3, 0.9]), generator=Squares(), index=Shelf())
    settings = Settings(home=str(tmp_path / "two"), vlm=f"replay:{file}")
    played = graph.invoke({"prompt": "an owl", "seed": 7}, {"configurable": {"thread_id": "t"}}, context=settings)
    assert [image["sha256"] for image in played["images"]] == [image["sha256"] for image in recorded["images"]]
    assert played["image"]["references"] == ["ref-1"]
