"""Images in messages become references in the store; no checkpoint holds their pixels."""

import asyncio
import base64
import io
import json
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from PIL import Image

from imagerag.errors import UserError
from imagerag.graphs.agent_graph import build_graph
from imagerag.graphs.message_images import STORED, stored_picture
from imagerag.settings import Settings
from imagerag.store.images import ImageStore
from testing.scripted import ScriptedCritic, ScriptedModel, Squares
from testing.scripted_runs import GENERATE, run_scripted, thread


def test_images_in_a_message_become_subjects(tmp_path: Path) -> None:
    import base64
    import io

    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(buffer, "PNG")
    data = base64.b64encode(buffer.getvalue()).decode()
    message = HumanMessage(
        [
            {"type": "text", "text": "an owl like this"},
            {"type": "image", "base64": data, "mime_type": "image/png"},
        ]
    )
    call = ("regenerate_with_references", {"prompt": "an owl", "reference_ids": []})
    result = run_scripted(tmp_path, [[call]], [0.9], {"messages": [message]})
    assert [reference["kind"] for reference in result["references"]] == ["subject"]
    assert ImageStore(tmp_path).open(result["references"][0]["sha256"]).size == (40, 30)
    assert data not in json.dumps([entry.model_dump() for entry in result["messages"]])


def noise() -> str:
    """A picture that is no other, in base64."""
    buffer = io.BytesIO()
    Image.effect_noise((64, 64), 90).convert("RGB").save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


@pytest.mark.parametrize("interface", ["invoke", "ainvoke"])
@pytest.mark.parametrize("shape", ["image", "image_url"])
def test_no_checkpoint_holds_the_pixels_of_a_message(tmp_path: Path, interface: str, shape: str) -> None:
    earlier, now = noise(), noise()

    def block(data: str) -> dict[str, Any]:
        if shape == "image":
            return {"type": "image", "base64": data, "mime_type": "image/png"}
        return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}

    saver = InMemorySaver()
    graph = build_graph(
        chat_model=ScriptedModel(script=[GENERATE], seen=[], offered=[]),
        critic=ScriptedCritic([0.9]),
        generator=Squares(),
        checkpointer=saver,
    )
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "an eagle like this"}, block(earlier)]},
        {"role": "assistant", "content": "image-1 shows it"},
        {"role": "user", "content": [{"type": "text", "text": "an owl like this"}, block(now)]},
    ]
    settings = Settings(home=str(tmp_path))
    if interface == "invoke":
        result = graph.invoke({"messages": messages}, thread(), context=settings)
    else:
        result = asyncio.run(graph.ainvoke({"messages": messages}, thread(), context=settings))
    (subject,) = [r for r in graph.get_state(thread()).values["all_references"] if r["kind"] == "subject"]
    assert Image.open(subject["path"]).size == (64, 64)
    assert result["image"] is not None
    kept = repr(saver.storage) + repr(saver.blobs) + repr(saver.writes)
    assert "an owl like this" in kept
    assert now[200:260] not in kept
    assert earlier[200:260] not in kept


def test_a_picture_given_by_address_is_refused_with_the_way_out(tmp_path: Path) -> None:
    content = [{"type": "text", "text": "an owl"}, {"type": "image", "url": "https://example.org/owl.png"}]
    with pytest.raises(UserError, match="given by address; send its bytes"):
        run_scripted(tmp_path, [GENERATE], [0.9], {"messages": [{"role": "user", "content": content}]})


def test_a_picture_is_stored_once_and_found_again_by_its_id(tmp_path: Path) -> None:
    store, file = ImageStore(tmp_path), io.BytesIO()
    Image.new("RGB", (5, 4), "red").save(file, "PNG")
    first = stored_picture({"base64": base64.b64encode(file.getvalue()).decode()}, store)
    again = stored_picture({"file_id": STORED + first.sha256}, store)
    assert (again.sha256, again.path) == (first.sha256, first.path)
    assert store.open(first.sha256).size == (5, 4)


@pytest.mark.parametrize(
    ("block", "says"),
    [
        ({"url": "http://a/b.png"}, "given by address"),
        ({"base64": "no!"}, "is not base64"),
        ({"base64": "AAAA"}, "image"),
    ],
)
def test_what_is_no_picture_is_refused(tmp_path: Path, block: dict[str, str], says: str) -> None:
    with pytest.raises(UserError, match=says):
        stored_picture(block, ImageStore(tmp_path))
