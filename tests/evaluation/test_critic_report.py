"""The critic against the evaluator and against people, where the truth is known."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from imagerag.evaluation.critic_report import Judgements, bins_of, calibration, cohen_kappa, critics_of, judge_critic
from imagerag.evaluation.labels import Label
from imagerag.evaluation.run_folder import Key, Run, read_run
from testing.evaluation_runs import Made, suite_of, write_lines, write_run

CHANCE = {"known": 0.9, "lacking": 0.2}


def run_of(tmp_path: Path, **arms: Made) -> Run:
    return read_run(write_run(tmp_path / "run", suite_of(120), arms))


def judgements_of(scores: list[float], seen: list[float], prompts: str | None = None) -> Judgements:
    return Judgements(np.array(scores), np.array(seen), list(prompts or map(str, range(len(scores)))))


class TestCalibration:
    def test_scores_that_are_probabilities(self, tmp_path: Path) -> None:
        report = judge_critic(run_of(tmp_path, base=Made(CHANCE)))
        assert report.error is not None
        assert report.error.mean < 0.03
        assert [round(one.score, 3) for one in report.bins] == [0.2, 0.9]
        for one in report.bins:
            assert one.seen.low <= one.score <= one.seen.high

    def test_scores_that_are_too_high(self, tmp_path: Path) -> None:
        report = judge_critic(run_of(tmp_path, base=Made(CHANCE, critic=lambda chance, there: min(1, chance + 0.3))))
        assert report.error is not None
        assert report.error.low > 0.1
        assert report.error.low <= report.error.mean <= report.error.high

    def test_by_hand(self) -> None:
        found = calibration(judgements_of([0.2] * 4 + [0.8] * 4, [0, 0, 0, 1, 1, 1, 1, 1]))
        assert found.mean == pytest.approx((0.05 + 0.2) / 2)
        assert (found.count, found.prompts) == (8, 8)

    def test_equal_scores_are_never_parted(self) -> None:
        scores = np.array([0.5] * 50 + [0.9, 0.1])
        assert bins_of(scores).tolist() == [0] * 50 + [1, 0]
        spread = bins_of(np.random.default_rng(0).random(1500))
        assert set(np.bincount(spread)) == {100}

    def test_of_arms_that_draw_once(self, tmp_path: Path) -> None:
        """A loop that returns what its critic likes makes the critic look surer than it is."""
        sure = Made(CHANCE, generations=3, critic=lambda chance, there: 1.0)
        report = judge_critic(run_of(tmp_path, base=Made(CHANCE), agent=sure))
        assert report.error is not None
        assert report.plain_error is not None
        assert report.plain_error.mean < 0.03 < report.error.mean


class TestAgreement:
    def test_critic_that_is_right(self, tmp_path: Path) -> None:
        report = judge_critic(run_of(tmp_path, base=Made(CHANCE, critic=lambda chance, there: 0.9 if there else 0.1)))
        assert report.agreement is not None
        assert report.agreement.mean == 1
        assert report.agreement.low < 1  # a run is no proof
        assert report.kappa is not None
        assert report.kappa.mean == 1
        assert report.false_present is not None
        assert report.false_present.mean == 0
        assert report.people is None

    def test_kappa_of_a_table(self) -> None:
        """The table of Cohen's kappa that textbooks have: 20 both, 5 and 10 one alone, 15 neither; kappa 0.4."""
        scores = [1.0] * 25 + [0.0] * 25
        seen = [1.0] * 20 + [0.0] * 5 + [1.0] * 10 + [0.0] * 15
        found = cohen_kappa(judgements_of(scores, seen))
        assert found is not None
        assert found.mean == pytest.approx(0.4)
        assert 0.05 < found.low < 0.3
        assert 0.5 < found.high < 0.7
        assert cohen_kappa(judgements_of([1, 1], [1, 1])) is None

    def test_what_each_calls_wrong(self) -> None:
        said = judgements_of([0.9, 0.9, 0.1, 0.1], [1, 0, 1, 1])
        assert said.agree.tolist() == [1, 0, 0, 0]


def test_an_image_that_several_arms_return_counts_once(tmp_path: Path) -> None:
    run = run_of(tmp_path, base=Made(CHANCE))
    once = judge_critic(run)
    twice = replace(
        run,
        file=replace(run.file, arms=(*run.file.arms, replace(run.file.arms[0], name="again"))),
        drawings={**run.drawings, "again": run.drawings["base"]},
        measured={**run.measured, "presence": {**run.measured["presence"], "again": run.measured["presence"]["base"]}},
    )
    assert judge_critic(twice).as_json() == once.as_json()


def test_concepts_that_the_critic_has_no_score_of_are_told(tmp_path: Path) -> None:
    run = run_of(tmp_path, base=Made(CHANCE))
    drawings = [replace(one, verdict={"OWL": 0.9, "else": 0.1}) for one in run.drawings["base"].values()]
    write_lines(run.folder / "drawings.jsonl", drawings)
    report = judge_critic(read_run(run.folder))
    assert report.agreement is not None
    assert report.agreement.count == 24  # of the owls
    assert report.notes == ("296 of 320 concepts that the evaluator judged have no score of the critic",)
    write_lines(run.folder / "drawings.jsonl", [replace(one, verdict={}) for one in drawings])
    report = judge_critic(read_run(run.folder))
    assert report.bins == ()
    assert report.notes == ("no drawing has both a verdict of the critic and a measurement of the evaluator",)
    json.dumps(report.as_json(), allow_nan=False)


def test_critics_that_arms_choose_are_judged_apart(tmp_path: Path) -> None:
    run = run_of(tmp_path, base=Made(CHANCE), other=Made(CHANCE, settings={"critic": "vlm:x"}))
    assert critics_of(run) == {"": ["base"], "vlm:x": ["other"]}


def test_agreement_with_people(tmp_path: Path) -> None:
    run = run_of(tmp_path, base=Made({"known": 0.1, "lacking": 0.1}), agent=Made({"known": 0.9, "lacking": 0.9}))
    labels = [Label(prompt.name, 0, "base", "agent", "right", "me") for prompt in run.suite.prompts[:50]]
    labels.append(Label("p060", 0, "base", "agent", "same"))  # not asked about
    report = judge_critic(run, labels)
    assert report.people is not None
    assert (report.people.mean, report.people.count) == (1, 50)
    assert report.evaluator_people is not None
    keys = [Key(one.prompt, 0) for one in labels[:50]]
    equal = [_value(run, "base", key) == _value(run, "agent", key) for key in keys]
    wrong = [_value(run, "base", key) > _value(run, "agent", key) for key in keys]
    assert any(equal)
    assert report.evaluator_people.mean == pytest.approx(1 - sum(wrong) / 50 - sum(equal) / 100)
    assert judge_critic(run, labels, ["base"]).people is None


def _value(run: Run, arm: str, key: Key) -> float:
    value = run.measured["presence"][arm][key].value
    assert value is not None
    return value
