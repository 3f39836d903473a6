"""A streamed run: what a listener raises ends it, and leaves nothing running."""

import time
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from imagerag.graphs.agent_graph import build_graph
from imagerag.graphs.streaming import stream_run
from imagerag.settings import Settings
from testing.scripted import ScriptedCritic, ScriptedModel, Squares


class SlowSaver(InMemorySaver):
    """Takes its time over each write, as a disk may, and counts those that are under way."""

    writing = 0

    def put_writes(self, *args: Any, **options: Any) -> None:
        self.writing += 1
        time.sleep(0.2)
        super().put_writes(*args, **options)
        self.writing -= 1


def test_no_checkpoint_is_being_written_when_a_listener_has_raised(tmp_path: Path) -> None:
    saver = SlowSaver()
    model = ScriptedModel(script=[[("generate", {"prompt": "an owl"})], "enough"], seen=[], offered=[])
    graph = build_graph(chat_model=model, critic=ScriptedCritic([0.3]), generator=Squares(), checkpointer=saver)
    under_way = []

    def tell(event: Any) -> None:
        under_way.append(saver.writing)
        if saver.writing:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError) as raised:
        stream_run(
            graph, {"prompt": "an owl"}, {"configurable": {"thread_id": "t"}}, Settings(home=str(tmp_path)), tell
        )
    assert under_way[-1] > 0
    assert saver.writing == 0
    assert raised.value.__traceback__ is not None  # which keeps the stream's frames alive until here
