"""A chat model on a server drives the whole loop."""

import json
from pathlib import Path

import pytest

from testing.chat_replies import CAPTIONS, DRAW, REDRAW, SEARCH, STOP
from testing.openai_server import Reply, serving
from testing.served_runs import run_served

pytestmark = pytest.mark.usefixtures("quick_retries")


def test_a_server_drives_the_whole_loop(tmp_path: Path) -> None:
    worded = Reply(json.dumps({"concepts": [{"concept": "owl", "captions": ["a barn owl"]}]}))
    with serving([DRAW, CAPTIONS, worded, SEARCH, REDRAW]) as server:
        result = run_served(server, tmp_path, [0.3, 0.9])
    assert result["stop_reason"] == "satisfied"
    assert result["image"]["id"] == "image-2"
    assert result["image"]["references"] == ["ref-1"]
    assert [step["tokens"] for step in result["trace"] if step["node"] == "agent"] == [110] * 4
    assert [step["summary"] for step in result["trace"] if step["name"] == "propose_captions"][-1] == "owl: a barn owl"
    assert {tool["function"]["name"] for tool in server.requests[0]["tools"]} >= {"generate", "search_references"}


def test_the_model_sees_the_pixels_and_nothing_that_names_a_place(tmp_path: Path) -> None:
    with serving([DRAW, SEARCH, STOP]) as server:
        run_served(server, tmp_path)
    sent = json.dumps(server.requests[-1])
    assert sent.count("data:image/png;base64,") == 3  # the drawing and two references
    assert str(tmp_path) not in sent
    assert "/server/side" not in sent


def test_the_trace_tells_the_sizes_as_sent_and_the_tokens(tmp_path: Path) -> None:
    with serving([DRAW, SEARCH, STOP]) as server:
        result = run_served(server, tmp_path)
    steps = [step for step in result["trace"] if step["node"] == "agent"]
    assert [step.get("images_sent", []) for step in steps[:2]] == [[], ["16x16"]]
    assert len(steps[2]["images_sent"]) == 3
    assert [step["tokens"] for step in steps] == [110] * 3
