"""Servers that refuse images or tools are asked again without them."""

import json
from pathlib import Path
from typing import Any

import pytest

from testing.chat_replies import DRAW, LOOK, NO_TOOLS, REDRAW, ROLES, SEARCH, in_plain_turns, seeing_nothing, written
from testing.openai_server import Reply, serving
from testing.served_runs import run_served

pytestmark = pytest.mark.usefixtures("quick_retries")


def test_a_text_model_drives_the_whole_loop_by_words_and_numbers(tmp_path: Path) -> None:
    with serving(seeing_nothing([DRAW, SEARCH, LOOK, REDRAW])) as server:
        result = run_served(server, tmp_path, [0.3, 0.9], vlm_text_only=True)
        sent = server.requests[-1]["messages"]
    assert result["stop_reason"] == "satisfied"
    assert result["image"]["references"] == ["ref-1"]
    assert len(server.requests) == 4, "nothing was refused"
    assert all(isinstance(message["content"], str | None) for message in sent)
    told = sent[-1]["content"]
    assert "owl: present (0.90)" in told
    assert told.count("'") >= 10, "five captions, in quotes"
    assert "nearest captions, by cosine: '" in told


@pytest.mark.slow
@pytest.mark.parametrize("status", [400, 500])
def test_a_server_that_refuses_images_is_asked_again_in_words_and_from_then_on(tmp_path: Path, status: int) -> None:
    with serving(seeing_nothing([DRAW, SEARCH, LOOK, REDRAW], status)) as server:
        result = run_served(server, tmp_path, [0.3, 0.9])
        refused = sum("image_url" in json.dumps(request["messages"]) for request in server.requests)
    assert result["stop_reason"] == "satisfied"
    assert refused == (1 if status == 400 else 3), "only the first time, with its retries"
    errors = [step["error"] for step in result["trace"] if step["node"] == "agent" and step["error"]]
    assert len(errors) == 1
    assert "image input is not supported" in errors[0]
    assert "asked again without images" in errors[0]
    looked = next(
        step["summary"] for step in result["trace"] if (step["node"], step["name"]) == ("tools", "inspect_image")
    )
    assert "nearest captions" in looked


@pytest.mark.slow
@pytest.mark.parametrize(("why", "status"), [(NO_TOOLS, 400), (ROLES, 400), ("tools param requires --jinja flag", 500)])
def test_a_server_that_takes_no_tools_is_asked_in_plain_turns(tmp_path: Path, why: str, status: int) -> None:
    replies = [written(reply) for reply in (DRAW, SEARCH, LOOK, REDRAW)]
    with serving(in_plain_turns(replies, why, status)) as server:
        result = run_served(server, tmp_path, [0.3, 0.9])
        refused = sum(bool(request.get("tools")) for request in server.requests)
        sent = server.requests[-1]["messages"]
    assert (result["stop_reason"], result["image"]["references"]) == ("satisfied", ["ref-1"])
    assert refused == (1 if status == 400 else 3), "only the first time, with its retries"
    errors = [step["error"] for step in result["trace"] if step["node"] == "agent" and step["error"]]
    assert [f"{why}" in error and "asked again without tools" in error for error in errors] == [True]
    assert '"name": "regenerate_with_references"' in json.dumps(sent[0]).replace("\\", "")
    assert "<tool_call>" in json.dumps(sent[1])
    blocks = [block for message in sent[2:] if isinstance(message["content"], list) for block in message["content"]]
    said = [block.get("text", "IMAGE") for block in blocks]
    assert "Result of generate:" in said
    assert said[said.index("image-1:") + 1] == "IMAGE", "each image by its id"


def test_a_server_that_takes_neither_tools_nor_images(tmp_path: Path) -> None:
    replies = [written(reply) for reply in (DRAW, SEARCH, LOOK, REDRAW)]
    plain = in_plain_turns(replies, NO_TOOLS, 400)

    def script(request: dict[str, Any], number: int) -> Reply:
        if "image_url" in json.dumps(request["messages"]):
            return Reply("this model takes no images", status=400)
        return plain(request, number)

    with serving(script) as server:
        result = run_served(server, tmp_path, [0.3, 0.9])
    assert (result["stop_reason"], result["image"]["references"]) == ("satisfied", ["ref-1"])
    errors = [step["error"] for step in result["trace"] if step["node"] == "agent" and step["error"]]
    assert [error.rpartition("; ")[2] for error in errors] == [
        "asked again without tools",
        "asked again without images",
    ]


def test_a_question_that_is_refused_without_images_too_ends_the_run_with_its_image(tmp_path: Path) -> None:
    def script(request: dict[str, Any], number: int) -> Reply:
        return Reply("too long", status=400) if number else DRAW

    with serving(script) as server:
        result = run_served(server, tmp_path, [0.3, 0.9])
        assert len(server.requests) == 3
    assert (result["stop_reason"], result["image"]["id"]) == ("error", "image-1")
