"""The agent's graph: its loop, threads and cancellation; scripted engines, real LangGraph and disk."""

import asyncio
import itertools
import threading
from pathlib import Path
from typing import Any

import pytest

from imagerag.graphs.agent_graph import build_graph
from imagerag.graphs.checkpointer import open_checkpointer
from imagerag.settings import Settings
from testing.scripted import STEPS, ScriptedCritic, ScriptedModel, Squares
from testing.scripted_runs import GENERATE, run_scripted, thread
from testing.servers import Gate, Shelf


def test_a_satisfied_critic_ends_the_run_without_another_model_call(tmp_path: Path) -> None:
    result = run_scripted(tmp_path, [GENERATE], [0.9])
    assert result["stop_reason"] == "satisfied"
    assert [image["id"] for image in result["images"]] == ["image-1"]
    assert result["verdict"]["satisfied"]
    assert [step["node"] for step in result["trace"]] == ["agent", "tools", "critic"]


def test_a_run_is_cancelled_between_denoising_steps_and_keeps_its_best(tmp_path: Path) -> None:
    cancel = threading.Event()

    def cancel_in_the_second_drawing(step: int) -> None:
        if len(squares.requests) > 1 and step == 3:
            cancel.set()

    squares = Squares(cancel_in_the_second_drawing)
    result = run_scripted(tmp_path, [GENERATE] * 3, [0.3], generator=squares, cancel=cancel)
    assert result["stop_reason"] == "cancelled"
    assert squares.steps_done == STEPS + 2
    assert result["image"]["id"] == "image-1"


def test_a_thread_survives_a_restart_and_goes_back_to_an_earlier_image(tmp_path: Path) -> None:
    settings = Settings(home=str(tmp_path))

    def turn(prompt: str, *scores: float) -> tuple[Any, Squares]:
        squares = Squares()
        with open_checkpointer(tmp_path) as saver:
            graph = build_graph(
                critic=ScriptedCritic(scores),
                generator=squares,
                checkpointer=saver,
            )
            return graph.invoke({"prompt": prompt}, thread(), context=settings), squares

    first, _ = turn("an owl and a cat", 0.9)
    second, _ = turn("a dog", 0.9)
    assert second["prompt"] == "a dog"
    third, squares = turn("go back to the first one and make it red", 0.9)
    assert third["prompt"] == "a red owl and a cat"
    assert [image["id"] for image in third["images"]] == ["image-3"]
    assert squares.requests[0].seeds == (first["images"][0]["seed"],)
    fourth, _ = turn("now put it on the moon", 0.9)
    assert fourth["prompt"] == "a red owl and a cat on a moon"


def test_a_task_that_is_cancelled_stops_the_drawing_that_asyncio_leaves_behind(tmp_path: Path) -> None:
    gate = Gate()
    squares = Squares(before_step=gate)
    graph = build_graph(
        chat_model=ScriptedModel(script=[GENERATE, GENERATE, "done"], seen=[], offered=[]),
        critic=ScriptedCritic([0.3, 0.9]),
        generator=squares,
        index=Shelf(),
    )

    async def main() -> None:
        config: Any = {"configurable": {"thread_id": "t"}}
        running = asyncio.create_task(graph.ainvoke({"prompt": "an owl"}, config, context=Settings(home=str(tmp_path))))
        await asyncio.to_thread(gate.reached.acquire)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        gate.open.set()

    asyncio.run(main())
    assert squares.steps_done == 1
    assert len(squares.requests) == 1


@pytest.mark.parametrize("given", [None, threading.Event()], ids=["no event", "an event of its own"])
def test_a_stream_that_is_closed_stops_the_drawing(tmp_path: Path, given: threading.Event | None) -> None:
    slow = threading.Event()
    squares = Squares(lambda step: None if step == 1 else slow.wait(0.3) and None)
    graph = build_graph(critic=ScriptedCritic(itertools.repeat(0.9)), generator=squares, index=Shelf())
    config: Any = {"configurable": {"thread_id": "t"}}
    settings = Settings(home=str(tmp_path), cancel=given)
    stream = graph.stream({"prompt": "an owl"}, config, context=settings, stream_mode="custom")
    for event in stream:
        if event["event"] == "progress" and event["what"] == "drawing":
            break
    stream.close()
    assert squares.steps_done == 1
    assert given is None or not given.is_set(), "it is the caller's"
    slow.set()
    after = graph.invoke({"prompt": "a cat"}, config, context=settings)
    assert after["stop_reason"] == "satisfied"
