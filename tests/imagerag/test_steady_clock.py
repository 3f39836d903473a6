"""Limits hold whatever the wall clock does."""

import time
from pathlib import Path

import pytest

from imagerag.graphs.agent_graph import build_graph
from imagerag.settings import Settings
from imagerag.steady_clock import steady_time
from testing.scripted import ScriptedCritic, Squares
from testing.scripted_runs import thread
from testing.servers import Shelf


@pytest.mark.parametrize("step", [-3600.0, 3600.0])
def test_it_does_not_jump(monkeypatch: pytest.MonkeyPatch, step: float) -> None:
    real = time.time
    before = steady_time()
    monkeypatch.setattr(time, "time", lambda: real() + step)
    assert before <= steady_time() < before + 60


@pytest.mark.parametrize(("step", "limit", "reason"), [(-3600.0, 0.2, "seconds"), (3600.0, 60.0, "satisfied")])
def test_a_step_of_the_clock_neither_suspends_a_limit_nor_reaches_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: float, limit: float, reason: str
) -> None:
    real = time.time

    def jump(at: int) -> None:
        monkeypatch.setattr(time, "time", lambda: real() + step)
        if limit < 1:
            time.sleep(0.1)

    graph = build_graph(critic=ScriptedCritic([0.9] * 9), generator=Squares(jump), index=Shelf())
    context = Settings(home=str(tmp_path), max_seconds=limit)
    result = graph.invoke({"prompt": "an owl"}, thread(), context=context)
    assert result["stop_reason"] == reason
    assert 0 <= result["seconds"] < 60
