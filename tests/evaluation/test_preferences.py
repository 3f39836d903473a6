"""Win rates and the scale of Bradley and Terry, from labels of known strengths."""

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from imagerag.evaluation.labels import Choice, Label
from imagerag.evaluation.preferences import bradley_terry, preferences_of
from imagerag.evaluation.run_folder import Run, read_run
from testing.evaluation_runs import TWO_ARMS, suite_of, write_run

NAMES = ("weak", "middle", "strong")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return read_run(write_run(tmp_path / "run", suite_of(40), dict.fromkeys(NAMES, TWO_ARMS["base"])))


def labels_of(strengths: dict[str, float], prompts: int, seed: int = 0) -> list[Label]:
    """Return labels in which an arm is preferred as Bradley and Terry have it."""
    random = np.random.default_rng(seed)
    found = []
    for prompt in range(prompts):
        for pair in combinations(strengths, 2):
            left, right = random.permutation(pair)
            chance = strengths[left] / (strengths[left] + strengths[right])
            choice: Choice = "left" if random.random() < chance else "right"
            found.append(Label(f"p{prompt:03}", 0, str(left), str(right), choice))
    return found


def test_win_rate_counts_the_second_arm_on_whichever_side(run: Run) -> None:
    labels = [
        Label("p000", 0, "weak", "strong", "right"),
        Label("p001", 0, "strong", "weak", "left"),
        Label("p002", 0, "strong", "weak", "right"),
        Label("p003", 0, "weak", "strong", "same"),
        Label("p004", 0, "weak", "gone", "same"),
    ]
    found = preferences_of(run, labels)
    (rate,) = found.rates
    assert (rate.first, rate.second) == ("weak", "strong")
    assert (rate.wins, rate.losses, rate.ties, rate.same) == (2, 1, 1, 0)
    assert rate.rate.mean == 2.5 / 4
    assert rate.rate.low < 0.5 < rate.rate.high
    assert found.strengths == ()
    assert found.notes == ("left out, since run.json has no such arm: 1 label",)
    assert found.labels == 4
    json.dumps(found.as_json(), allow_nan=False)


def test_scale_of_three_arms(run: Run) -> None:
    found = preferences_of(run, labels_of({"weak": 1, "middle": 2, "strong": 6}, 400))
    assert [one.arm for one in found.strengths] == ["strong", "middle", "weak"]
    logs = np.log([6, 2, 1]) - np.log([6, 2, 1]).mean()
    for one, log in zip(found.strengths, logs, strict=True):
        assert one.low <= 1 / (1 + np.exp(-log)) <= one.high
        assert one.high - one.low < 0.1


def test_two_arms_have_the_share_of_their_wins() -> None:
    """Of two, the likeliest strengths give back the share itself (with half a win more for each)."""
    labels = [Label(f"p{at}", 0, "a", "b", "right" if at < 30 else "left") for at in range(40)]
    found = {one.arm: one.chance for one in bradley_terry(["a", "b"], labels)}
    odds = (found["b"] / (1 - found["b"])) / (found["a"] / (1 - found["a"]))
    assert odds == pytest.approx(30.5 / 10.5, rel=1e-4)


def test_an_arm_that_always_wins_has_a_finite_strength(run: Run) -> None:
    labels = [Label(f"p{at:03}", 0, "weak", "strong", "right") for at in range(10)]
    labels += [Label(f"p{at:03}", 0, "weak", "middle", "same") for at in range(10)]
    found = preferences_of(run, labels)
    assert found.strengths[0].arm == "strong"
    assert 0.5 < found.strengths[0].chance < 1


def test_no_scale_where_nothing_connects_the_arms(tmp_path: Path) -> None:
    four = read_run(write_run(tmp_path / "four", suite_of(4), dict.fromkeys("abcd", TWO_ARMS["base"])))
    labels = [Label("p000", 0, "a", "b", "left"), Label("p001", 0, "c", "d", "left")]
    found = preferences_of(four, labels)
    assert found.strengths == ()
    assert found.notes == ("there is no scale of all arms: no labels connect some of them with the others",)
    assert found.people == 1
