"""Where tasks are done: here, or on a cluster; processes of this machine are tested in tests/e2e/."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from imagerag.errors import UserError
from imagerag.evaluation.arms import ARMS
from imagerag.evaluation.engines import RayCluster, ThisProcess
from imagerag.evaluation.plan import Plan, Task
from imagerag.evaluation.runner import common_settings
from imagerag.evaluation.suites.pictograms import pictograms
from imagerag.evaluation.worker import Message
from imagerag.settings import Settings


class Scripted:
    """A worker that tells two things of each task."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan = plan

    def prepare(self) -> None:
        if not self.plan.arms:
            raise UserError("no such model")

    def work(self, task: Task) -> Iterator[Message]:
        yield Message("lookup", {"prompt": task.prompt.name})
        yield Message("note", 1, "told")


def plan_and_tasks(home: Path, count: int) -> tuple[Plan, list[Task]]:
    suite = pictograms("development")
    suite = replace(suite, prompts=suite.prompts[:count])
    settings = common_settings(suite, Settings(home=str(home)))
    plan = Plan(suite, (ARMS["base"],), (0,), settings, ("presence",))
    return plan, [Task(prompt, frozenset({("base", 0)})) for prompt in suite.prompts]


def test_here_one_task_comes_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imagerag.evaluation.engines.Worker", Scripted)
    plan, tasks = plan_and_tasks(tmp_path, 2)
    told = list(ThisProcess(tmp_path).messages(plan, tasks, lambda: False))
    assert [None if one is None else one.kind for one in told] == ["lookup", "note", None] * 2
    assert len(list(ThisProcess(tmp_path).messages(plan, tasks, lambda: True))) == 1


def test_what_can_not_be_loaded_ends_it_before_the_first_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imagerag.evaluation.engines.Worker", Scripted)
    plan, tasks = plan_and_tasks(tmp_path, 2)
    with pytest.raises(UserError, match="no such model"):
        list(ThisProcess(tmp_path).messages(replace(plan, arms=()), tasks, lambda: False))


@pytest.mark.slow
def test_a_cluster_draws_what_this_process_draws(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="needs the extra ray")
    plan, tasks = plan_and_tasks(tmp_path / "home", 2)

    def told(messages: Iterator[Message | None]) -> dict[str, Any]:
        return {one.value.prompt: one.value.image for one in messages if one is not None and one.kind == "drawing"}

    here = told(ThisProcess(tmp_path / "work").messages(plan, tasks, lambda: False))
    assert told(RayCluster().messages(plan, tasks, lambda: False)) == here
    assert len(here) == 2
