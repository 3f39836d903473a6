"""The paper's one-pass pipeline."""

import json
from pathlib import Path

import pytest

from imagerag.graphs.one_pass import build_one_pass
from imagerag.settings import Settings
from testing.openai_server import Reply, serving
from testing.scripted import ScriptedCritic, Squares
from testing.servers import Shelf

pytestmark = pytest.mark.usefixtures("quick_retries")


def test_the_one_pass_pipeline_counts_its_model_too(tmp_path: Path) -> None:
    with serving([Reply(json.dumps({"prompt": "a plain owl"}))]) as server:
        graph = build_one_pass(critic=ScriptedCritic([0.3, 0.9]), generator=Squares(), index=Shelf())
        settings = Settings(home=str(tmp_path), vlm=server.name, mode="rephrase_only")
        result = graph.invoke({"prompt": "an owl"}, {"configurable": {"thread_id": "t"}}, context=settings)
    assert [step["tokens"] for step in result["trace"] if step["name"] == "redraw"] == [110]
    assert result["image"]["prompt"] == "a plain owl"


def test_a_writer_that_hangs_before_the_first_drawing_leaves_an_image(tmp_path: Path) -> None:
    with serving(lambda request, number: Reply("never", delay=60)) as server:
        graph = build_one_pass(critic=ScriptedCritic([0.9]), generator=Squares(), index=Shelf())
        settings = Settings(home=str(tmp_path), vlm=server.name, mode="lookup_first", max_seconds=1.5)
        result = graph.invoke({"prompt": "an owl"}, {"configurable": {"thread_id": "t"}}, context=settings)
    assert result["image"] is not None
