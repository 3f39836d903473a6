"""The graph's state: serialisable, and without pixels."""

import json
from pathlib import Path

from langchain_core.messages import ToolMessage
from langgraph.checkpoint.serde.event_hooks import SerdeEvent, register_serde_event_listener

from imagerag.graphs.agent_graph import build_graph
from imagerag.graphs.checkpointer import open_checkpointer
from imagerag.settings import Settings
from testing.scripted import ScriptedCritic, ScriptedModel, Squares
from testing.scripted_runs import GENERATE, thread


def test_the_model_sees_pixels_but_state_and_checkpoints_hold_none(tmp_path: Path) -> None:
    model = ScriptedModel(script=[GENERATE, "enough"], seen=[], offered=[])
    with open_checkpointer(tmp_path) as saver:
        graph = build_graph(chat_model=model, critic=ScriptedCritic([0.3]), generator=Squares(), checkpointer=saver)
        graph.invoke({"prompt": "an owl"}, thread(), context=Settings(home=str(tmp_path)))
        at = next(at for at, message in enumerate(model.seen[1]) if isinstance(message, ToolMessage))
        shown = model.seen[1][at + 1].content
        assert [block["type"] for block in shown] == ["text", "image_url"]
        state = graph.get_state(thread()).values
    assert "base64" not in json.dumps([message.model_dump() for message in state["messages"]])
    assert b"iVBORw0KGgo" not in (tmp_path / "threads.sqlite").read_bytes()


def test_checkpoints_hold_the_state_as_plain_data(tmp_path: Path) -> None:
    told: list[SerdeEvent] = []
    forget = register_serde_event_listener(told.append)
    with open_checkpointer(tmp_path) as saver:
        graph = build_graph(critic=ScriptedCritic([0.9, 0.9]), generator=Squares(), checkpointer=saver)
        graph.invoke({"prompt": "an owl"}, thread(), context=Settings(home=str(tmp_path)))
        again = graph.invoke({"prompt": "make it red"}, thread(), context=Settings(home=str(tmp_path)))
    assert again["prompt"] == "a red owl"
    forget()
    assert not told
