"""An evaluation as a whole: what is left is done, entered and told; it can be cancelled, and leaves nothing behind."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from imagerag.errors import UserError
from imagerag.evaluation.arms import ARMS
from imagerag.evaluation.engines import Processes, ThisProcess
from imagerag.evaluation.plan import Plan, Task
from imagerag.evaluation.records import Drawing, Suite, SuitePrompt
from imagerag.evaluation.runner import MOST_SECONDS, Progress, common_settings, engine_of, evaluate, usable_in_full
from imagerag.evaluation.worker import Message
from imagerag.settings import Settings

PROMPTS = tuple(SuitePrompt(f"p-{number}", f"an owl {number}") for number in range(3))


def plan() -> Plan:
    return Plan(Suite("small", PROMPTS), (ARMS["base"],), (0,), Settings(), ())


class Scripted:
    """An engine that draws black squares without drawing."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch

    def messages(self, plan: Plan, tasks: Sequence[Task], is_cancelled: Callable[[], bool]) -> Iterator[Message | None]:
        self._scratch.mkdir()
        for task in tasks:
            for arm, seed in sorted(task.left):
                yield Message("image", b"PNG", "1" * 64)
                yield Message(
                    "drawing",
                    Drawing(arm, task.prompt.name, seed, "1" * 64, 1, 4, 0, 0, 0.0, 0.1, "satisfied", 0.9, {}, ()),
                )
            yield None
            if is_cancelled():
                return


@pytest.fixture(autouse=True)
def _scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imagerag.evaluation.runner.engine_of", lambda name, settings, scratch: Scripted(scratch))


def test_what_is_left_is_drawn_and_told_as_it_comes(tmp_path: Path) -> None:
    told: list[Progress] = []
    notes: list[str] = []
    journal = evaluate(plan(), tmp_path / "run", tell=told.append, note=notes.append)
    assert [(one.done, one.total) for one in told] == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert set(journal.done) == {("base", prompt.name, 0) for prompt in PROMPTS}
    assert notes == []
    assert not (tmp_path / "run" / ".work").exists()
    evaluate(plan(), tmp_path / "run", tell=told.append, note=notes.append)
    assert told[-1] == Progress(3, 3)
    assert notes == ["3 of 3 drawings are there from before"]


def test_a_cancelled_one_goes_on_where_it_was(tmp_path: Path) -> None:
    first = evaluate(plan(), tmp_path, is_cancelled=lambda: True)
    assert len(first.done) == 1
    assert len(evaluate(plan(), tmp_path).done) == 3


def test_what_a_killed_one_left_on_its_way_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".work" / "images").mkdir(parents=True)
    evaluate(plan(), tmp_path)
    assert not (tmp_path / ".work").exists()


def test_how_busy_the_machine_is_does_not_decide_what_is_drawn() -> None:
    suite = Suite("small", PROMPTS, library=("bundled",))
    common = common_settings(suite, Settings(seed=3, out="x", thread="t"))
    assert (common.max_seconds, common.max_loading_seconds) == (MOST_SECONDS, MOST_SECONDS)
    assert (common.seed, common.out, common.thread, common.library) == (None, None, None, ("bundled",))
    asked = common_settings(suite, Settings(max_seconds=5, library=("own",)))
    assert (asked.max_seconds, asked.library) == (5, ("own",))


def of_photographs(tmp_path: Path, **settings: Any) -> Plan:
    suite = Suite("small", PROMPTS, library=("bundled",))
    asked = Settings(home=str(tmp_path / "home"), generator="sdxl", vlm="rules", **settings)
    return Plan(suite, (ARMS["base"], ARMS["agent"]), (0,), common_settings(suite, asked), ())


def test_pictograms_of_a_suite_are_put_into_no_photographs_that_nobody_asked_for_them_in(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"suite 'small' sets it.*insist with --library bundled") as refused:
        evaluate(of_photographs(tmp_path), tmp_path / "run")
    assert "unset that" not in str(refused.value)


def test_what_does_not_go_together_is_told_once_before_anything_is_drawn(tmp_path: Path) -> None:
    notes: list[str] = []
    plan = of_photographs(tmp_path, critic="clip", library=("bundled",))
    evaluate(plan, tmp_path / "run", note=notes.append)
    assert len([text for text in notes if "draws photographs, but critic 'clip' judges pictograms" in text]) == 1
    notes.clear()
    evaluate(plan, tmp_path / "run", note=notes.append)
    assert notes == ["6 of 6 drawings are there from before"]


def test_an_arm_that_can_look_nothing_up_is_told(tmp_path: Path) -> None:
    notes: list[str] = []
    evaluate(of_photographs(tmp_path, library=("own",)), tmp_path / "run", note=notes.append)
    assert any("nothing can be looked up in own, which is empty" in text for text in notes)


def test_what_is_embedded_is_drawn_on_every_core_and_other_models_by_one_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imagerag.evaluation.runner._cores", lambda: 4)
    assert isinstance(engine_of("auto", Settings(), tmp_path), Processes)
    assert isinstance(engine_of("auto", Settings(generator="sdxl"), tmp_path), ThisProcess)
    assert isinstance(engine_of("3", Settings(generator="sdxl"), tmp_path), Processes)
    assert isinstance(engine_of("1", Settings(), tmp_path), ThisProcess)


@pytest.mark.parametrize("name", ["0", "-1", "many", "1.5", ""])
def test_no_number_of_processes_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="is no number of processes; give auto, a number, ray or ray:ADDRESS"):
        engine_of(name, Settings(), tmp_path)


def test_ray_is_named_with_the_command_that_installs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match=r"next: pip install 'imagerag\[ray\]'"):
        engine_of("ray", Settings(), tmp_path)


def test_arms_that_need_a_model_that_sees_are_no_part_of_a_full_run_without() -> None:
    assert not usable_in_full("lookup-rerank", Settings())
    assert usable_in_full("agent", Settings())
    some: Any = Settings(vlm="openai:x@http://127.0.0.1:1/v1", critic="openai:x@http://127.0.0.1:1/v1")
    assert usable_in_full("lookup-rerank", some)
