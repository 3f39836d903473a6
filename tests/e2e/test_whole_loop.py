"""The whole loop on the real parts: Patchwork, the embedded CLIP, Chroma, the rule-based policy, SQLite."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imagerag.assets.library import Library
from imagerag.graphs.agent_graph import build_graph
from imagerag.graphs.checkpointer import open_checkpointer
from imagerag.graphs.one_pass import build_one_pass
from imagerag.records import ImageRecord
from imagerag.settings import Settings
from imagerag.tools.builtin import make_tools
from imagerag.tools.session import ToolSession


def thread(name: str) -> Any:
    return {"configurable": {"thread_id": name}}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def lacking() -> str:
    """A concept that the base set lacks, of the half that things may be tuned on."""
    return Library().lacking("dev")[0]


def test_what_the_base_set_knows_is_drawn_at_once(home: Path) -> None:
    result = build_graph().invoke({"prompt": "an owl", "seed": 7}, thread("owl"), context=Settings(home=str(home)))
    assert result["stop_reason"] == "satisfied"
    assert len(result["images"]) == 1
    assert result["references"] == []
    assert Image.open(result["image"]["path"]).size == (128, 128)


def test_what_it_lacks_is_looked_up_and_drawn_again(home: Path, lacking: str) -> None:
    prompt = f"a {lacking} and a cat"
    with open_checkpointer(home) as saver:
        graph = build_graph(checkpointer=saver)
        result = graph.invoke({"prompt": prompt, "seed": 7}, thread("l"), context=Settings(home=str(home)))
        names = [step["name"] for step in result["trace"] if step["node"] == "tools"]
        assert names[:3] == ["generate", "propose_captions", "search_references"]
        assert "regenerate_with_references" in names
        assert result["references"][0]["concept"] == lacking
        assert result["references"][0]["licence"]
        assert Path(result["references"][0]["path"]).is_file()
        assert result["image"]["score"] == max(image["score"] for image in result["images"])
        first, best = result["images"][0]["verdict"], result["verdict"]
        assert lacking in first["missing"]
        assert score_of(best, lacking) > score_of(first, lacking)

    with open_checkpointer(home) as saver:  # as after a restart
        graph = build_graph(checkpointer=saver)
        again = graph.invoke({"prompt": "make the background blue"}, thread("l"), context=Settings(home=str(home)))
    assert again["prompt"] == f"{an(lacking)} and a cat on a blue background"
    corner = Image.open(again["image"]["path"]).getpixel((1, 1))
    assert isinstance(corner, tuple)
    assert corner[2] > corner[0] + 60
    with sqlite3.connect(home / "threads.sqlite") as database:
        (largest,) = database.execute("select max(length(checkpoint)) from checkpoints").fetchone()
    assert largest < 200_000


def an(concept: str) -> str:
    return f"{'an' if concept[0] in 'aeiou' else 'a'} {concept}"


def score_of(verdict: Any, concept: str) -> float:
    return next(float(entry["score"]) for entry in verdict["concepts"] if entry["concept"] == concept)


def test_the_same_seed_gives_the_same_picture(home: Path) -> None:
    settings = Settings(home=str(home), mode="no_lookup", max_generations=1)
    runs = [
        build_graph().invoke({"prompt": "a red car", "seed": 3}, thread(name), context=settings) for name in ("a", "b")
    ]
    assert runs[0]["image"]["sha256"] == runs[1]["image"]["sha256"]


def test_a_thing_in_a_colour_it_never_has_is_still_that_thing(home: Path) -> None:
    graph = build_graph()
    graph.invoke({"prompt": "a lobster", "seed": 5}, thread("blue"), context=Settings(home=str(home)))
    result = graph.invoke({"prompt": "now make it blue"}, thread("blue"), context=Settings(home=str(home)))
    assert result["prompt"] == "a blue lobster"
    assert result["stop_reason"] == "satisfied"
    assert {score["concept"] for score in result["verdict"]["concepts"]} == {"lobster", "blue lobster"}
    assert len(result["images"]) == 1


def test_lookup_first_draws_with_references_from_the_start(home: Path, lacking: str) -> None:
    settings = Settings(home=str(home), mode="lookup_first", max_generations=1)
    result = build_graph().invoke({"prompt": f"a {lacking}", "seed": 7}, thread("lf"), context=settings)
    assert result["mode"] == "lookup_first"
    assert result["images"][0]["references"]
    assert result["images"][0]["parent"] is None


@pytest.mark.parametrize("mode", ["rephrase_only", "no_lookup"])
def test_the_controls_look_nothing_up(home: Path, lacking: str, mode: Any) -> None:
    settings = Settings(home=str(home), mode=mode, max_generations=2)
    result = build_graph().invoke({"prompt": f"a {lacking}", "seed": 7}, thread(mode), context=settings)
    assert result["references"] == []
    assert len(result["images"]) == 2


def test_the_papers_pipeline_returns_its_redraw_whatever_it_scores(home: Path, lacking: str) -> None:
    result = build_one_pass().invoke(
        {"prompt": f"a {lacking} and a cat", "seed": 7}, thread("one"), context=Settings(home=str(home))
    )
    assert len(result["images"]) == 2
    assert result["image"]["id"] == "image-2"
    assert result["images"][1]["reference_scale"] == 0.5
    assert result["images"][1]["prompt"].startswith("According to these images of ")


def test_the_tools_serve_another_program(home: Path) -> None:
    from imagerag.graphs.components import Components

    session = ToolSession(Components(Settings(home=str(home))), prompt="an owl")
    tools = {tool.name: tool for tool in make_tools(lambda: session)}
    assert all(tool.description for tool in tools.values())
    drawn = tools["generate"].invoke(
        {"name": "generate", "args": {"prompt": "an owl", "seed": 5}, "id": "1", "type": "tool_call"}
    )
    image: ImageRecord = drawn.artifact["images"][0]
    assert drawn.text.startswith("image-1 (seed 5)")
    looked = tools["inspect_image"].invoke(
        {
            "name": "inspect_image",
            "args": {"image_id": image["id"], "concepts": ["owl"]},
            "id": "2",
            "type": "tool_call",
        }
    )
    assert looked.artifact["concepts"][0]["present"]
    captions = [{"concept": "axolotl", "caption": "a lizard"}, {"concept": "boat", "caption": "a sailing boat"}]
    found = tools["search_references"].invoke(
        {"name": "search_references", "args": {"captions": captions, "k": 2}, "id": "3", "type": "tool_call"}
    )
    assert [r["concept"] for r in found.artifact["references"]] == ["axolotl"] * 2 + ["boat"] * 2
    again = tools["regenerate_with_references"].invoke(
        {
            "name": "regenerate_with_references",
            "args": {"prompt": "an owl on a boat", "reference_ids": ["ref-3"], "image_id": image["id"]},
            "id": "4",
            "type": "tool_call",
        }
    )
    assert again.artifact["images"][0]["parent"] == image["id"]
