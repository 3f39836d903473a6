"""What the compiled graph does beyond LangGraph's."""

import threading
from pathlib import Path
from typing import Any

import pytest

from imagerag.graphs.agent_graph import build_graph
from imagerag.graphs.checkpointer import open_checkpointer
from imagerag.graphs.thread_graph import is_nested
from imagerag.graphs.thread_lock import holding
from imagerag.settings import Settings
from testing.scripted import ScriptedCritic, Squares
from testing.scripted_runs import thread
from testing.servers import Shelf

NOTE = {"event": "note", "text": "waiting: another run of thread 't' is under way"}


@pytest.mark.parametrize(
    ("options", "first"),
    [
        ({"stream_mode": "custom"}, NOTE),
        ({"stream_mode": ["custom"]}, ("custom", NOTE)),
        ({"stream_mode": ["values", "custom"], "subgraphs": True}, ((), "custom", NOTE)),
        ({"stream_mode": "custom", "subgraphs": True}, ((), NOTE)),
    ],
)
def test_that_a_run_waits_is_told_in_the_shape_that_was_asked_for(
    tmp_path: Path, options: dict[str, Any], first: Any
) -> None:
    told: list[Any] = []
    waits = threading.Event()

    def run() -> None:
        with open_checkpointer(tmp_path) as saver:
            parts: Any = {"critic": ScriptedCritic([0.9]), "generator": Squares(), "index": Shelf()}
            graph = build_graph(checkpointer=saver, **parts)
            context = Settings(home=str(tmp_path))
            for chunk in graph.stream({"prompt": "an owl"}, thread(), context=context, **options):
                told.append(chunk)
                waits.set()

    with holding(tmp_path, "t", lambda: 0, lambda: None, print):
        other = threading.Thread(target=run)
        other.start()
        assert waits.wait(30)
        assert told == [first]
    other.join(30)
    assert len(told) > 1


def test_who_gets_no_events_finds_it_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def run() -> None:
        with open_checkpointer(tmp_path) as saver:
            graph = build_graph(critic=ScriptedCritic([0.9]), generator=Squares(), checkpointer=saver)
            graph.invoke({"prompt": "an owl"}, thread(), context=Settings(home=str(tmp_path)))

    with holding(tmp_path, "t", lambda: 0, lambda: None, print):
        other = threading.Thread(target=run)
        other.start()
        other.join(0.5)
    other.join(30)
    assert NOTE["text"] in caplog.text


def test_a_graph_that_is_part_of_another_has_no_thread_of_its_own() -> None:
    assert is_nested({"configurable": {"__pregel_runtime": object()}})
    assert not is_nested({"configurable": {"thread_id": "t"}})
    assert not is_nested(None)
