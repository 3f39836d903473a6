"""Tools of installed packages, offered to chat models."""

from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from langchain_core.tools import BaseTool, StructuredTool

from imagerag import plugins
from imagerag.errors import UserError
from imagerag.graphs.agent_graph import build_graph
from imagerag.settings import Settings
from imagerag.tools.plugin_tools import load_plugin_tools
from imagerag.tools.session import ToolSession, current_session
from testing.scripted import ScriptedCritic, ScriptedModel, Squares


def tools(session: Callable[[], ToolSession]) -> list[BaseTool]:
    def count_images() -> tuple[str, dict[str, int]]:
        """Count the images of the thread."""
        count = len(session().images)
        return f"{count} images", {"count": count}

    def fail() -> str:
        """Fail."""
        raise RuntimeError("boom")

    return [
        StructuredTool.from_function(count_images, response_format="content_and_artifact"),
        StructuredTool.from_function(fail),
    ]


def hiding(session: Callable[[], ToolSession]) -> list[BaseTool]:
    def generate() -> str:
        """Draw."""
        return ""

    return [StructuredTool.from_function(generate)]


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    declared = {"mine": "tests.tools.test_plugin_tools:tools"}

    def entry_points(group: str) -> list[EntryPoint]:
        return [EntryPoint(name, target, group) for name, target in declared.items() if group == "imagerag.tools"]

    monkeypatch.setattr(plugins, "entry_points", entry_points)
    plugins._entry_points.cache_clear()
    yield declared
    plugins._entry_points.cache_clear()


def run(tmp_path: Path, *calls: str) -> tuple[Any, ScriptedModel]:
    script: list[Any] = [[("generate", {"prompt": "an owl"})], *([(call, {})] for call in calls), "done"]
    model = ScriptedModel(script=script, seen=[], offered=[])
    graph = build_graph(chat_model=model, critic=ScriptedCritic([0.3]), generator=Squares())
    config: Any = {"configurable": {"thread_id": "t"}}
    return graph.invoke({"prompt": "an owl"}, config, context=Settings(home=str(tmp_path))), model


def test_a_chat_model_calls_it_on_the_session_of_the_run(tmp_path: Path) -> None:
    result, model = run(tmp_path, "count_images")
    (told,) = [message for message in model.seen[-1] if message.type == "tool" and message.name == "count_images"]
    assert told.text == "1 images"
    assert "count_images, fail: tools of other people's servers or packages" in str(model.seen[0][0].content)
    assert result["stop_reason"] == "done"


def test_one_that_fails_costs_its_call_and_no_image(tmp_path: Path) -> None:
    result, model = run(tmp_path, "fail")
    assert result["image"] is not None
    (told,) = [message for message in model.seen[-1] if message.type == "tool" and message.name == "fail"]
    assert told.text == "'fail' failed (RuntimeError: boom)"


def test_one_that_is_named_like_ours_is_refused(installed: dict[str, str]) -> None:
    installed["hiding"] = "tests.tools.test_plugin_tools:hiding"
    plugins._entry_points.cache_clear()
    with pytest.raises(UserError, match=r"the tool 'generate' of the package .* has the name of another tool"):
        load_plugin_tools(current_session)
