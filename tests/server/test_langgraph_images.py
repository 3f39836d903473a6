"""The app that a LangGraph server adds to its own: images by address, and nothing else of the machine."""

import asyncio
from pathlib import Path

import httpx
import pytest
from PIL import Image

from imagerag.graphs.agent_graph import build_graph
from imagerag.server.langgraph_images import app
from imagerag.settings import Settings
from testing.scripted import ScriptedCritic, Squares
from testing.servers import Shelf


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IMAGERAG_HOME", str(tmp_path))
    return tmp_path


def get(path: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://server") as client:
            return await client.get(path)

    return asyncio.run(ask())


def test_an_image_comes_with_its_manifest_and_without_places(home: Path) -> None:
    Image.new("RGB", (8, 8), "red").save(home / "mine.png")
    graph = build_graph(
        generator=Squares(), critic=ScriptedCritic([0.9]), index=Shelf(), checkpointer=None, allow_paths=True
    )
    result = graph.invoke({"prompt": "an owl", "subjects": [str(home / "mine.png")]}, context=Settings(home=str(home)))
    made, subject = result["image"]["sha256"], result["references"][0]["sha256"]
    drawn = get(f"/imagerag/images/{made}.png")
    assert drawn.content.startswith(b"\x89PNG")
    assert b"an owl" in drawn.content
    assert str(home).encode() not in drawn.content
    assert b"mine.png" not in drawn.content
    assert "immutable" in drawn.headers["cache-control"]
    assert get(f"/imagerag/images/{subject}.png").content.startswith(b"\x89PNG")


@pytest.mark.parametrize("folder", ["library", "own/found", "libraries/holidays/found"])
def test_a_reference_that_was_found_is_served(home: Path, folder: str) -> None:
    address = "ab" + "0" * 62
    file = home / folder / "ab" / f"{address}.png"
    file.parent.mkdir(parents=True)
    Image.new("RGB", (8, 8), "red").save(file)
    assert get(f"/imagerag/images/{address}.png").content == file.read_bytes()


@pytest.mark.parametrize("name", ["0" * 64, "..", "%2e%2e%2fthreads", "A" * 64, "threads.sqlite", "0" * 63])
def test_nothing_else_is(home: Path, name: str) -> None:
    (home / "threads.sqlite").write_text("secret")
    (home / "threads.png").write_text("secret")
    answer = get(f"/imagerag/images/{name}.png")
    assert answer.status_code == 404
    assert "secret" not in answer.text
    assert str(home) not in answer.text
