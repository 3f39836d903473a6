"""Which arms make a series, and which charts a report gets."""

from pathlib import Path

import pytest

from imagerag.evaluation.run_folder import read_run
from imagerag.evaluation.series import (
    MOST_CONCEPTS,
    budget_chart,
    concept_chart,
    difference_charts,
    reliability_chart,
    series_charts,
    series_of,
)
from imagerag.evaluation.summary import ConceptChange, Summary, summarise
from testing.evaluation_runs import Made, suite_of, write_run

CHANCE = {"known": 0.9, "lacking": 0.2}
ARMS = {
    "base": Made(CHANCE, settings={"mode": "no_lookup", "max_generations": 1}),
    "agent": Made({"known": 0.9, "lacking": 0.9}, 2, 40),
    "agent-3": Made(CHANCE, 3, 60, {"max_generations": 3}),
    "agent-1": Made(CHANCE, 1, 20, {"max_generations": 1}),
    "retrieval-1000": Made(CHANCE, 2, 40, {"retrieval_size": 1000}),
    "retrieval-0": Made(CHANCE, 2, 40, {"retrieval_size": 0}),
    "no-floor": Made(CHANCE, 2, 40, {"floor": False}),
    "wide": Made(CHANCE, 2, 40, {"n": 4, "max_generations": 2}),
}


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    return summarise(read_run(write_run(tmp_path_factory.mktemp("runs") / "run", suite_of(30), ARMS)))


def test_series_are_arms_that_differ_in_one_number(summary: Summary) -> None:
    found = {series.key: [(name, arm.name) for name, arm in series.arms] for series in series_of(summary.arms)}
    assert found == {
        "max_generations": [("1", "agent-1"), ("3", "agent-3"), ("default", "agent")],
        "retrieval_size": [("0", "retrieval-0"), ("1000", "retrieval-1000"), ("all", "agent")],
    }


def test_chart_of_each_series(summary: Summary) -> None:
    sizes = next(chart for chart in series_charts(summary) if "retrieval size" in chart.title)
    assert [tick.text for tick in sizes.x_ticks] == ["0", "1000", "all"]
    assert sizes.marks[2].y < sizes.marks[0].y  # higher up: better
    assert len(sizes.lines) == 1


def test_budget_is_the_first_that_arms_differ_in(summary: Summary, tmp_path: Path) -> None:
    chart = budget_chart(summary)
    assert chart is not None
    assert chart.x_title == "denoising steps of an image"
    assert {mark.label for mark in chart.marks} == set(ARMS)
    remote = {"a": Made(CHANCE, 1, 0), "b": Made(CHANCE, 3, 0)}
    found = budget_chart(summarise(read_run(write_run(tmp_path / "remote", suite_of(4), remote))))
    assert found is not None
    assert found.x_title == "drawings of an image"
    same = {"a": Made(CHANCE), "b": Made(CHANCE)}
    assert budget_chart(summarise(read_run(write_run(tmp_path / "same", suite_of(4), same)))) is None


def test_differences_from_each_baseline(summary: Summary) -> None:
    charts = difference_charts(summary)
    assert next(iter(charts)) == "base"
    assert ARMS.keys() - charts.keys() == {"no-floor", "wide"}  # which one other was compared with, or none
    titles = [chart.title for chart in charts["base"]]
    assert [title.partition(":")[0] for title in titles] == ["all prompts", "known", "lacking"]
    lacking = charts["base"][2]
    assert [row.name for row in lacking.rows] == [name for name in ARMS if name != "base"]
    assert lacking.rows[0].side == "good"


def test_the_only_difference_is_shown(tmp_path: Path) -> None:
    two = {name: ARMS[name] for name in ("base", "agent")}
    found = difference_charts(summarise(read_run(write_run(tmp_path / "two", suite_of(4), two))))
    assert [*found] == ["base"]


def test_concepts_that_gain_and_lose_most() -> None:
    changes = [ConceptChange(f"thing {at}", (20 - at) / 20, 4) for at in range(41)]
    chart = concept_chart("base", "agent", changes)
    assert chart is not None
    assert len(chart.rows) == 2 * MOST_CONCEPTS
    assert chart.rows[0].name == "thing 0"
    assert chart.rows[-1].name == "thing 40"
    assert chart.title == "agent less base: 20 concepts are seen more often, 20 less often, 1 as often"
    assert chart.bars
    assert concept_chart("base", "agent", [ConceptChange("thing", 0.0, 4)]) is None


def test_reliability(summary: Summary) -> None:
    chart = reliability_chart("", summary.critics[""])
    assert chart is not None
    assert chart.diagonal
    assert chart.title.startswith("critic: how often the evaluator sees")
    assert reliability_chart("", type(summary.critics[""])()) is None
