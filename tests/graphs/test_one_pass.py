"""The paper's one-pass pipeline."""

import json
from pathlib import Path
from typing import Any

import pytest

from imagerag.agent.vlm_critic import VlmCritic
from imagerag.chat_models.providers import connect
from imagerag.errors import InvalidArgument, UserError
from imagerag.graphs.one_pass import build_one_pass
from imagerag.settings import Settings
from testing.openai_server import Reply, serving
from testing.scripted import ScriptedCritic, Squares, SquaresThatFail
from testing.servers import Shelf

pytestmark = pytest.mark.usefixtures("quick_retries")


def test_the_one_pass_pipeline_counts_its_model_too(tmp_path: Path) -> None:
    with serving([Reply(json.dumps({"prompt": "a plain owl"}))]) as server:
        graph = build_one_pass(critic=ScriptedCritic([0.3, 0.9]), generator=Squares(), index=Shelf())
        settings = Settings(home=str(tmp_path), vlm=server.name, mode="rephrase_only")
        result = graph.invoke({"prompt": "an owl"}, {"configurable": {"thread_id": "t"}}, context=settings)
    assert [step["tokens"] for step in result["trace"] if step["name"] == "redraw"] == [110]
    assert result["image"]["prompt"] == "a plain owl"


@pytest.mark.parametrize(
    "error",
    [UserError("no /images/edits there"), InvalidArgument("no answer"), RuntimeError("out of memory")],
    ids=lambda error: type(error).__name__,
)
def test_a_redraw_that_can_not_be_made_loses_no_image(tmp_path: Path, error: Exception) -> None:
    squares = SquaresThatFail(error, lambda request: True)
    graph = build_one_pass(critic=ScriptedCritic([0.3]), generator=squares, index=Shelf())
    settings = Settings(home=str(tmp_path), vlm="rules", out=str(tmp_path / "out"))
    result = graph.invoke({"prompt": "an owl"}, {"configurable": {"thread_id": "t"}}, context=settings)
    assert Path(result["image"]["path"]).parent == tmp_path / "out"
    assert result["stop_reason"] == "error"
    assert str(error) in str(result["messages"][-1].text)


@pytest.mark.parametrize("error", [UserError("no such model"), InvalidArgument("no answer")], ids=["user", "argument"])
def test_a_first_drawing_that_can_not_be_made_is_one_clear_error(tmp_path: Path, error: Exception) -> None:
    graph = build_one_pass(generator=SquaresThatFail(error, lambda request: True, spared=0), critic=ScriptedCritic([]))
    settings = Settings(home=str(tmp_path), vlm="rules")
    with pytest.raises(UserError, match=str(error)):
        graph.invoke({"prompt": "an owl"}, {"configurable": {"thread_id": "t"}}, context=settings)


def test_what_was_looked_up_for_the_first_drawing_is_left_out_where_it_can_not_be_drawn_with(tmp_path: Path) -> None:
    squares = SquaresThatFail(UserError("no /images/edits there"), lambda request: bool(request.references), spared=0)
    graph = build_one_pass(critic=ScriptedCritic([0.3]), generator=squares, index=Shelf())
    settings = Settings(home=str(tmp_path), vlm="rules", mode="lookup_first")
    result = graph.invoke({"prompt": "an owl"}, {"configurable": {"thread_id": "t"}}, context=settings)
    assert result["image"] is not None
    assert [bool(request.references) for request in squares.requests] == [True, False]


def test_a_writer_that_hangs_before_the_first_drawing_leaves_an_image(tmp_path: Path) -> None:
    with serving(lambda request, number: Reply("never", delay=60)) as server:
        graph = build_one_pass(critic=ScriptedCritic([0.9]), generator=Squares(), index=Shelf())
        settings = Settings(home=str(tmp_path), vlm=server.name, mode="lookup_first", max_seconds=1.5)
        result = graph.invoke({"prompt": "an owl"}, {"configurable": {"thread_id": "t"}}, context=settings)
    assert result["image"] is not None


def test_an_image_that_no_critic_can_judge_is_returned_without_a_verdict(tmp_path: Path) -> None:
    def refused() -> Any:
        raise UserError("the weights are not on this machine")

    with serving(lambda request, number: Reply("busy", status=503)) as server:
        critic = VlmCritic("openai:x", connect(server.name), refused)
        graph = build_one_pass(critic=critic, generator=Squares(), index=Shelf())
        settings = Settings(home=str(tmp_path), vlm="rules")
        result = graph.invoke({"prompt": "an owl"}, {"configurable": {"thread_id": "t"}}, context=settings)
    assert (result["stop_reason"], result["image"]["id"], result["verdict"]) == ("error", "image-1", None)
