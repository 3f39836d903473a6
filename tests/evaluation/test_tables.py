"""Figures as a person reads them, and as CSV."""

import csv
import io
import math
from pathlib import Path

import pytest

from imagerag.evaluation.labels import Label
from imagerag.evaluation.run_folder import read_run
from imagerag.evaluation.statistics import Estimate
from imagerag.evaluation.summary import Summary, summarise
from imagerag.evaluation.tables import (
    Table,
    aligned,
    arm_table,
    difference_text,
    differences_csv,
    estimate_text,
    report_lines,
    scores_csv,
    value_text,
)
from testing.evaluation_runs import TWO_ARMS, suite_of, write_run


@pytest.fixture
def summary(tmp_path: Path) -> Summary:
    run = read_run(write_run(tmp_path / "run", suite_of(12), TWO_ARMS))
    return summarise(run, [Label("p001", 0, "base", "agent", "right")])


@pytest.mark.parametrize(
    ("metric", "text"),
    [("presence", "12.3 %"), ("clip", "0.123"), ("seconds", "0.1"), ("money", "$0.1234")],
)
def test_values_have_their_unit(metric: str, text: str) -> None:
    assert value_text(metric, 0.1234) == text


def test_estimates_and_differences() -> None:
    found = Estimate(0.4831, 0.421, 0.545, 10, 5)
    assert estimate_text("presence", found) == "48.3 % (42.1 to 54.5)"
    assert estimate_text("clip", None) == "-"
    assert estimate_text("clip", Estimate(0.4831, math.nan, math.nan, 1, 1)) == "0.483"
    assert difference_text("presence", Estimate(0.4, -0.05, 0.5, 9, 9)) == "+40.0 (-5.0 to +50.0)"
    assert difference_text("clip", Estimate(0.0123, -0.01, 0.02, 9, 9)) == "+0.0123 (-0.0100 to +0.0200)"
    assert difference_text("presence", Estimate(-0.0001, math.nan, math.nan, 1, 1)) == "+0.0"


def test_columns_are_aligned() -> None:
    lines = aligned(Table(["arm", "n"], [["base", "5"], ["a", "1000"]]))
    assert lines == ["arm      n", "base     5", "a     1000"]


def test_arms_have_what_is_known_of_them(summary: Summary) -> None:
    table = arm_table(summary)
    assert table.heads == [
        "arm",
        "prompts",
        "drawings",
        "presence",
        "clip",
        "generations",
        "steps",
        "calls",
        "tokens",
        "seconds",
    ]
    assert [row[0] for row in table.rows] == ["base", "agent"]
    assert table.rows[1][5:] == ["2.0", "40.0", "3.0", "100.0", "1.5"]  # no money, which nothing is known of


def test_terminal(summary: Summary) -> None:
    text = "\n".join(report_lines(summary))
    assert text.startswith("made-up: 12 prompts, 2 seeds; intervals of 95 %")
    assert "agent - base" in text
    assert "agent over base" in text
    assert "calibration error" in text
    assert text.endswith("note: made up")


def test_csv_files(summary: Summary) -> None:
    rows = list(csv.DictReader(io.StringIO(scores_csv(summary))))
    row = next(row for row in rows if (row["arm"], row["metric"], row["name"]) == ("agent", "presence", "lacking"))
    assert float(row["low"]) <= float(row["mean"]) <= float(row["high"])
    assert (row["group"], row["values"], row["prompts"]) == ("stratum", "12", "6")
    assert {row["metric"] for row in rows} >= {"presence", "clip", "steps", "seconds"}
    rows = list(csv.DictReader(io.StringIO(differences_csv(summary.compared))))
    row = next(row for row in rows if (row["metric"], row["group"]) == ("presence", "all"))
    assert (row["first"], row["second"], row["pairs"]) == ("base", "agent", "24")
    assert int(row["wins"]) + int(row["losses"]) + int(row["ties"]) == 24
