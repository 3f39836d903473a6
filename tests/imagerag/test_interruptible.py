"""A run that is stopped, or out of time, while something large is loaded waits for none of it, and loses nothing."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from imagerag.errors import Cancelled
from imagerag.graphs import Settings, build_graph
from imagerag.graphs import components as parts_module
from imagerag.index.bundled.build import PREFIX
from imagerag.interruptible import load_interruptibly
from testing.openai_server import Reply, serving
from testing.scripted import ScriptedCritic, ScriptedModel, Squares
from testing.servers import Gate, Shelf

DRAW = [("generate", {"prompt": "an owl"})]


class Slow:
    """Loads for as long as it is held, and counts how often."""

    def __init__(self, made: Any) -> None:
        self.made = made
        self.begun, self.release = threading.Event(), threading.Event()
        self.times = 0

    def __call__(self, *args: Any, **settings: Any) -> Any:
        self.begun.set()
        assert self.release.wait(30), "nobody let it go on"
        self.times += 1
        return self.made


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    loading = Slow(Squares())
    monkeypatch.setattr(parts_module, "load_generator", loading)
    yield loading
    loading.release.set()


def run(home: Path, **settings: Any) -> Any:
    graph = build_graph(
        chat_model=ScriptedModel(script=[DRAW, "done"], seen=[], offered=[]),
        critic=ScriptedCritic([0.5]),
        index=Shelf(),
    )
    config: Any = {"configurable": {"thread_id": "t"}}
    return graph.invoke({"prompt": "an owl"}, config, context=Settings(home=str(home), **settings))


def test_a_cancelled_run_does_not_wait_for_the_generator_to_load(tmp_path: Path, slow: Slow) -> None:
    cancel = threading.Event()
    threading.Thread(target=lambda: slow.begun.wait(30) and cancel.set()).start()
    result = run(tmp_path, cancel=cancel)
    assert (result["stop_reason"], result["image"]) == ("cancelled", None)
    assert slow.times == 0, "it still loads"
    slow.release.set()
    assert run(tmp_path)["image"]["id"] == "image-1", "and what it has loaded serves the next"


def test_the_run_s_time_holds_while_it_loads(tmp_path: Path, slow: Slow) -> None:
    result = run(tmp_path, max_seconds=0.3)
    assert (result["stop_reason"], result["image"]) == ("seconds", None)
    assert slow.times == 0


def test_what_another_has_begun_to_load_is_waited_for_and_not_loaded_beside_it() -> None:
    first, second = Slow("first"), Slow("second")
    second.release.set()
    cancel = threading.Event()

    def check() -> None:
        if cancel.is_set():
            raise Cancelled("enough")

    cancel.set()
    with pytest.raises(Cancelled):
        load_interruptibly(first, check)
    assert first.begun.wait(30)
    waiting = threading.Thread(target=lambda: load_interruptibly(second, lambda: None))
    waiting.start()
    assert not second.begun.wait(0.2)
    first.release.set()
    waiting.join(30)
    assert (first.times, second.times) == (1, 1)


def test_a_run_cancelled_while_the_index_is_built_leaves_none_half_built(tmp_path: Path) -> None:
    cancel = threading.Event()
    search = [("search_references", {"captions": [{"concept": "lobster", "caption": "a lobster"}], "k": 1})]
    graph = build_graph(
        chat_model=ScriptedModel(script=[DRAW, search, DRAW, search, "done"], seen=[], offered=[]),
        critic=ScriptedCritic([0.5, 0.5]),
        generator=Squares(),
    )

    def stream(**settings: Any) -> list[Any]:
        config: Any = {"configurable": {"thread_id": "t"}}
        settings = Settings(home=str(tmp_path), **settings)
        events = []
        for event in graph.stream({"prompt": "an owl"}, config, context=settings, stream_mode="custom"):
            events.append(event)
            if event["event"] == "progress" and event["what"] == "indexing":
                cancel.set()
        return events

    assert stream(cancel=cancel)[-1]["reason"] == "cancelled"
    assert list(tmp_path.rglob(f"{PREFIX}*")) == []
    found = [event for event in stream() if event["event"] == "references"]
    assert found[0]["references"][0]["title"] == "lobster"


def test_an_image_whose_verdict_is_cut_off_is_judged_by_the_other_critic(tmp_path: Path) -> None:
    from imagerag.agent.vlm_critic import VlmCritic
    from imagerag.chat_models.providers import connect

    cancel = threading.Event()

    def script(request: dict[str, Any], number: int) -> Reply:
        cancel.set()
        return Reply("{}", delay=30)

    with serving(script) as server:
        critic = VlmCritic("openai:x", connect(server.name), lambda: ScriptedCritic([0.4]))
        model = ScriptedModel(script=[DRAW], seen=[], offered=[])
        graph = build_graph(chat_model=model, critic=critic, generator=Squares(), index=Shelf())
        config: Any = {"configurable": {"thread_id": "t"}}
        result = graph.invoke({"prompt": "an owl"}, config, context=Settings(home=str(tmp_path), cancel=cancel))
    assert (result["stop_reason"], result["image"]["id"]) == ("cancelled", "image-1")
    assert result["image"]["verdict"]["critic"] == "scripted"


def test_a_task_that_is_cancelled_stops_the_drawing_that_asyncio_leaves_behind(tmp_path: Path) -> None:
    gate, squares = Gate(), Squares()
    squares._before_step = gate
    graph = build_graph(
        chat_model=ScriptedModel(script=[DRAW, DRAW, "done"], seen=[], offered=[]),
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
