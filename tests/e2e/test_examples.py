"""The examples, as other programs would run them."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from langchain_core.messages import HumanMessage, ToolMessage
from PIL import Image

from imagerag.licences import LicencePolicy
from imagerag.settings import Settings
from imagerag.store.images import ImageStore
from testing.scripted import ScriptedCritic, ScriptedModel, Squares
from testing.servers import Shelf

ROOT = Path(__file__).resolve().parents[2]


def example(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_graph_is_a_node_of_another_program_and_its_steps_come_through(tmp_path: Path) -> None:
    graph = example("as_subgraph").build(generator=Squares(), critic=ScriptedCritic([0.3, 0.9]), index=Shelf())
    config = {"configurable": {"thread_id": "t"}}
    events = [
        event["event"]
        for _, event in graph.stream(
            {"animal": "an owl"}, config, context=Settings(home=str(tmp_path)), stream_mode="custom", subgraphs=True
        )
    ]
    assert {"images", "verdict", "references", "stop"} <= set(events)
    state = graph.get_state(config).values
    assert state["prompt"] == "an owl in a kimono"
    assert state["caption"].startswith("an owl in a kimono, score 0.90: ")


def test_the_tools_serve_another_agent_which_sees_pixels_and_its_mistakes(tmp_path: Path) -> None:
    pytest.importorskip("langchain")
    script: list[Any] = [
        [("generate", {"prompt": "an owl", "seed": 7})],
        [("inspect_image", {"image_id": "image-9"})],
        [("search_references", {"captions": [{"concept": "owl", "caption": "an owl"}]})],
        [("regenerate_with_references", {"prompt": "an owl", "reference_ids": ["ref-1"]})],
        [("generate", {"prompt": "an owl"})],
        "done",
    ]
    model = ScriptedModel(script=script, seen=[], offered=[])
    components = SimpleNamespace(
        generator=Squares(),
        critic=ScriptedCritic([]),
        index=Shelf(),
        store=ImageStore(tmp_path),
        writer=None,
        reranker=None,
        licences=LicencePolicy(),
        region=lambda image, concept: None,
        wording=lambda image, concept, title: None,
    )
    agent, session = example("tools_in_an_agent").build(model, components=components, max_drawings=2)
    answer = agent.invoke({"messages": [{"role": "user", "content": "an owl"}]})
    results = [message for message in answer["messages"] if isinstance(message, ToolMessage)]
    assert [result.status for result in results] == ["success", "error", "success", "success", "error"]
    assert "'image-9' is not an image" in results[1].text
    assert "generations budget used up" in results[4].text
    assert [record["id"] for record in session.made_images] == ["image-1", "image-2"]
    shown = [block for message in model.seen[1][2:] if isinstance(message, HumanMessage) for block in message.content]
    assert [block["type"] for block in shown] == ["text", "image"]
    assert shown[1]["base64"]
    assert "base64" not in str(answer["messages"])


def test_the_mcp_example_draws_with_the_embedded_engine(tmp_path: Path) -> None:
    pytest.importorskip("mcp")
    command = [sys.executable, str(ROOT / "examples" / "mcp_client.py"), "an owl", str(tmp_path / "owl.png")]
    environ = {"PYTHONPATH": str(ROOT), "IMAGERAG_HOME": str(tmp_path), "OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"}
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environ)
    assert result.returncode == 0, result.stderr
    assert "best image: image-" in result.stdout
    assert (tmp_path / "threads.sqlite").is_file()
    assert Image.open(tmp_path / "owl.png").size[0] >= 64
