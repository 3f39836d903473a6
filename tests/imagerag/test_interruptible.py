"""A run that is stopped, or out of time, while something large is loaded waits for none of it."""

import math
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from imagerag.errors import Cancelled
from imagerag.graphs import components as parts_module
from imagerag.graphs.agent_graph import build_graph
from imagerag.interruptible import (
    CALLING,
    IDLE,
    load_interruptibly,
    retry_after,
    run_bounded,
    run_interruptibly,
    seconds_left,
    using_check,
    work_left_behind,
)
from imagerag.settings import Settings
from testing.scripted import ScriptedCritic, ScriptedModel, Squares
from testing.scripted_runs import GENERATE
from testing.servers import Shelf


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
        chat_model=ScriptedModel(script=[GENERATE, "done"], seen=[], offered=[]),
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


def test_loading_has_a_limit_of_its_own(tmp_path: Path, slow: Slow) -> None:
    result = run(tmp_path, max_loading_seconds=0.3)
    assert (result["stop_reason"], result["image"]) == ("loading", None)
    assert slow.times == 0


@pytest.mark.slow
def test_loading_counts_against_no_run_s_time(tmp_path: Path, slow: Slow) -> None:
    threading.Timer(1.5, slow.release.set).start()
    result = run(tmp_path, max_seconds=1.2, max_generations=1)
    assert result["stop_reason"] == "done"
    assert result["image"] is not None


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


def test_a_call_that_was_left_counts_as_work_until_it_ends() -> None:
    hold, began = threading.Event(), threading.Event()
    at_work: list[threading.Thread] = []

    def call() -> None:
        at_work.append(threading.current_thread())
        began.set()
        assert hold.wait(30)

    def check() -> None:
        if began.is_set():
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        run_interruptibly(call, check)
    assert work_left_behind()
    (thread,) = at_work
    assert thread.name == CALLING
    hold.set()
    for _ in range(3000):
        if thread.name == IDLE:
            break
        thread.join(0.01)
    assert thread.name == IDLE


def test_a_call_that_hangs_ends_by_its_own_limit_or_with_the_run() -> None:
    never = threading.Event()
    with pytest.raises(TimeoutError, match=r"within 0\.1 seconds"):
        run_bounded(lambda: never.wait(30), 0.1)

    def ended() -> None:
        raise Cancelled

    with using_check(ended, lambda: 7.0):
        assert seconds_left() == 7.0
        with pytest.raises(Cancelled):
            run_bounded(lambda: never.wait(30), 30)
        assert run_bounded(lambda: "done", 30, of_run=False) == "done"
    assert seconds_left() == math.inf
    never.set()


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120), ("0.5", 0.5), ("-5", 0), ("inf", math.inf), ("nan", None), ("soon", None), ("", None),
        (None, None), ("Fri, 31 Dec 1999 23:59:59 GMT", 0), ("Fri, 31 Dec 99999 23:59:59 GMT", None),
    ],
)  # fmt: skip
def test_how_long_a_server_asks_to_wait(header: str | None, seconds: float | None) -> None:
    assert retry_after(header) == seconds
