"""Which values can be those of a thread."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from imagerag.errors import FileError
from imagerag.graphs.agent_graph import build_graph
from imagerag.graphs.checkpoint_format import PlainData
from imagerag.graphs.checkpointer import open_checkpointer
from imagerag.graphs.state_shape import fault_in_state
from imagerag.settings import Settings
from imagerag.store.home import THREADS
from testing.scripted import ScriptedCritic, Squares
from testing.scripted_runs import thread

STRANGE = ["x", 5, None, ["x"], [5], {"a": 1}, [None], [[]], {"x": ["y"]}]
FINE: dict[str, list[Any]] = {
    "turn": [5],
    "profile": ["x"],
    "base": ["x", None],
    "image": [None],
    "halt": ["x", None],
    "timeline": [],
    "spent": [{"a": 1}, {"x": ["y"]}],
    "all_images": [],
    "seconds": [5],
}


@pytest.mark.parametrize("channel", FINE)
def test_each_channel_holds_its_kind_alone(channel: str) -> None:
    found = [value for value in STRANGE if not fault_in_state({"all_images": [], channel: value})]
    assert found == FINE[channel]


def test_the_state_of_other_graphs_is_theirs() -> None:
    assert not fault_in_state({"turn": "x", "messages": 5})


@pytest.mark.parametrize("channel", ["image", "turn", "all_references", "spent"])
def test_a_thread_with_something_else_in_it_is_told_as_damaged(tmp_path: Path, channel: str) -> None:
    with open_checkpointer(tmp_path) as saver:
        build_graph(generator=Squares(), critic=ScriptedCritic([0.9]), checkpointer=saver).invoke(
            {"prompt": "an owl"}, thread(), context=Settings(home=str(tmp_path))
        )
    with closing(sqlite3.connect(tmp_path / THREADS)) as connection, connection:
        serde = PlainData()
        for row, kind, data in connection.execute("SELECT rowid, type, checkpoint FROM checkpoints").fetchall():
            stored = serde.loads_typed((kind, data))
            stored["channel_values"][channel] = "x" if channel == "turn" else 5
            values = (*serde.dumps_typed(stored), row)
            connection.execute("UPDATE checkpoints SET type = ?, checkpoint = ? WHERE rowid = ?", values)
    with open_checkpointer(tmp_path) as saver:
        with pytest.raises(FileError, match="a checkpoint in it can't be read; go on in another thread"):
            saver.get_tuple(thread())
        with pytest.raises(FileError, match=f"{channel} can't be what a thread holds"):
            list(saver.list(thread()))
