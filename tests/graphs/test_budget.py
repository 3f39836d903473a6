"""Every limit of a run ends it with the best image."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import ToolMessage

from imagerag.errors import BudgetExceeded, Cancelled
from imagerag.graphs.budget import check_generation, check_step, merge_limits, nothing_spent, stop_check, stop_reason
from imagerag.settings import Settings
from testing.scripted import STEPS, Squares
from testing.scripted_runs import GENERATE, run_scripted


@pytest.mark.parametrize(
    ("settings", "reason", "images"),
    [
        ({"max_generations": 2}, "generations", 2),
        ({"max_steps": 3}, "steps", 3),
        ({"max_tokens": 20, "tokens": 10}, "tokens", 2),
        ({"max_money": 1.0, "tokens": 10}, "money", 1),
    ],
)
def test_each_limit_ends_the_run_cleanly_with_the_best_image(
    tmp_path: Path, settings: dict[str, Any], reason: str, images: int
) -> None:
    scores = [0.1 + 0.1 * k for k in range(6)]
    result = run_scripted(tmp_path, [GENERATE] * 9, scores, **settings)
    assert result["stop_reason"] == reason
    assert len(result["images"]) == images
    assert result["image"] == result["images"][-1]
    assert Path(result["image"]["path"]).is_file()


@pytest.mark.slow
def test_seconds_run_out_between_denoising_steps(tmp_path: Path) -> None:
    pause = threading.Event()

    def slow_from_the_second_drawing_on(step: int) -> None:
        if len(squares.requests) > 1 and step == 2:
            pause.wait(1.5)

    squares = Squares(slow_from_the_second_drawing_on)
    result = run_scripted(tmp_path, [GENERATE] * 3, [0.3], generator=squares, max_seconds=1.2)
    assert result["stop_reason"] == "seconds"
    assert squares.steps_done == STEPS + 1
    assert result["image"]["id"] == "image-1"
    assert result["image"]["score"] == 0.3


def test_calls_after_a_limit_get_an_answer_so_that_the_history_stays_valid(tmp_path: Path) -> None:
    result = run_scripted(tmp_path, [GENERATE * 3], [0.3, 0.4], max_generations=2)
    answers = [message for message in result["messages"] if isinstance(message, ToolMessage)]
    assert [answer.status for answer in answers] == ["success", "success", "error"]
    assert result["stop_reason"] == "generations"
    assert result["image"]["id"] == "image-2"


def test_a_budget_in_the_request_wins_over_the_context(tmp_path: Path) -> None:
    request = {"prompt": "an owl", "budget": {"max_generations": 1}}
    result = run_scripted(tmp_path, [GENERATE] * 3, [0.1], request, max_generations=5)
    assert result["stop_reason"] == "generations"
    assert len(result["images"]) == 1


def test_limits_of_the_settings_are_overridden_by_later_ones() -> None:
    limits = merge_limits(
        Settings(max_steps=7, max_seconds=50), {"max_steps": 5}, None, {"max_steps": 3, "max_money": 1.0}
    )
    assert (limits["max_steps"], limits["max_seconds"], limits["max_money"]) == (3, 50, 1.0)


@pytest.mark.parametrize(
    ("spent", "kind"), [({"steps": 4}, "steps"), ({"generations": 2}, "generations"), ({"started": -100.0}, "seconds")]
)
def test_each_limit_is_refused_by_name(spent: dict[str, float], kind: str) -> None:
    limits = merge_limits(Settings(max_steps=4, max_generations=2, max_seconds=60))
    now = time.time()
    account = nothing_spent(now)
    check_step(limits, account)
    check_generation(limits, account)
    account.update({name: now + value if name == "started" else value for name, value in spent.items()})  # type: ignore[typeddict-item]
    check = check_generation if kind == "generations" else check_step
    with pytest.raises(BudgetExceeded) as refused:
        check(limits, account)
    assert stop_reason(refused.value) == kind


def test_a_cancelled_run_stops_at_its_next_check() -> None:
    cancel = threading.Event()
    check = stop_check(merge_limits(Settings(max_seconds=60)), nothing_spent(time.time()), cancel)
    check()
    cancel.set()
    with pytest.raises(Cancelled) as stopped:
        check()
    assert stop_reason(stopped.value) == "cancelled"
