"""Pictures count in whichever maker's form they come in a message; what is no picture is told."""

import base64
import io
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from PIL import Image

from imagerag.errors import UserError
from imagerag.graphs.agent_graph import build_graph
from imagerag.settings import Settings
from imagerag.store.images import ImageStore
from testing.scripted import ScriptedCritic, Squares
from testing.scripted_runs import thread


def picture() -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


DATA = picture()
URL = f"data:image/png;base64,{DATA}"


def run(tmp_path: Path, *parts: Any) -> tuple[dict[str, Any], list[str], list[Any]]:
    """Return the state that the graph ends with, its notes, and the references of the first drawing."""
    squares = Squares()
    graph = build_graph(critic=ScriptedCritic([0.9]), generator=squares)
    config = thread()
    notes = [
        event["text"]
        for event in graph.stream(
            {"messages": [{"role": "user", "content": list(parts)}]},
            config,
            context=Settings(home=str(tmp_path)),
            stream_mode="custom",
        )
        if event["event"] == "note"
    ]
    return graph.get_state(config).values, notes, list(squares.requests[0].references)


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": URL},
        {"type": "image_url", "image_url": {"url": URL}},
        {"type": "input_image", "image_url": URL},
        {"type": "input_image", "image_url": {"url": URL}},
        {"type": "image", "data": DATA, "mimeType": "image/png"},
        {"type": "image", "image": URL},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": DATA}},
        {"type": "media", "mime_type": "image/png", "data": DATA},
        {"type": "file", "base64": DATA, "mime_type": "image/png"},
        {"type": "file", "file": {"filename": "a.png", "file_data": URL}},
        {"inlineData": {"mimeType": "image/png", "data": DATA}},
        {"inline_data": {"mime_type": "image/png", "data": DATA}},
    ],
)
def test_a_picture_in_any_makers_form_is_drawn_with(tmp_path: Path, part: dict[str, Any]) -> None:
    state, notes, drawn_with = run(tmp_path, {"type": "text", "text": "my owl"}, part)
    (reference,) = state["all_references"]
    assert reference["kind"] == "subject"
    assert ImageStore(tmp_path).open(reference["sha256"]).size == (40, 30)
    assert [one.kind for one in drawn_with] == ["subject"]
    assert DATA not in repr(state["messages"])  # no checkpoint holds pixels
    assert not notes


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ({"type": "audio", "base64": "AAAA", "mime_type": "audio/wav"}, "audio"),
        ({"type": "video", "base64": "AAAA", "mime_type": "video/mp4"}, "video"),
        ({"type": "file", "base64": "AAAA", "mime_type": "application/pdf"}, "file"),
        ({"type": "document", "source": {"type": "text", "data": "a cat"}}, "text-plain"),
        ({"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}}, "inlineData"),
    ],
)
def test_a_part_that_is_not_read_is_told(tmp_path: Path, part: dict[str, Any], kind: str) -> None:
    state, notes, _ = run(tmp_path, {"type": "text", "text": "an owl"}, part)
    assert notes == [f"a part of type {kind!r} of the message is not read: only words and pictures are"]
    assert state["image"]["prompt"] == "an owl"


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ({"type": "image_url"}, "neither bytes nor an address"),
        ({"type": "image_url", "image_url": {"url": 5}}, "neither bytes nor an address"),
        ({"type": "image"}, "neither bytes nor an address"),
        ({"type": "input_image", "image_url": None}, "neither bytes nor an address"),
        ({"type": "image_url", "image_url": "https://example.org/a.png"}, "'https://example.org/a.png' is given by"),
        ({"type": "image_url", "image_url": "imagerag://images/a.png"}, "'imagerag://images/a.png' is given by"),
        ({"type": "input_image", "file_id": "file-7"}, "'file-7' is given by address"),
    ],
)
def test_a_picture_that_is_not_there_is_refused(tmp_path: Path, part: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError, match=told):
        run(tmp_path, {"type": "text", "text": "an owl"}, part)


def test_words_in_the_form_of_responses_are_words(tmp_path: Path) -> None:
    state, notes, _ = run(tmp_path, {"type": "input_text", "text": "an owl"})
    assert state["image"]["prompt"] == "an owl"
    assert not notes
    assert isinstance(state["messages"][0], HumanMessage)
