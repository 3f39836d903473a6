"""The figures of a run: which sections it has, what they say, and that they outlive the run."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from imagerag.evaluation.figure_pages import BUDGET_PLOT, SIZES_PLOT, markdown_of, plots_of
from imagerag.evaluation.figures import WANTED, Wanted, breadth, figures_of, holds
from imagerag.evaluation.report import write_report
from imagerag.evaluation.run_folder import read_run
from testing.evaluation_runs import Made, suite_of, write_run

GOOD, BAD = {"known": 0.9, "lacking": 0.9}, {"known": 0.9, "lacking": 0.1}
ARMS = {
    "base": Made(BAD, settings={"mode": "no_lookup", "max_generations": 1}),
    "best-of-n": Made(BAD, 2, 40, {"n_like": "agent"}),
    "one-pass": Made({"known": 0.9, "lacking": 0.5}, 2, 40, {"pipeline": "one-pass"}),
    "agent": Made(GOOD, 2, 40),
    "agent-1": Made(BAD, 1, 20, {"max_generations": 1}),
    "agent-3": Made(GOOD, 3, 60, {"max_generations": 3}),
    "retrieval-0": Made(BAD, 2, 40, {"retrieval_size": 0}),
    "retrieval-1000": Made({"known": 0.9, "lacking": 0.5}, 2, 40, {"retrieval_size": 1000}),
    "without-floor": Made(BAD, 3, 60, {"floor": False}),
    "without-inspection": Made(GOOD, 2, 40, {"inspect": False}),
}


def made(folder: Path, arms: dict[str, Made], prompts: int = 40, suite: str = "pictograms") -> dict[str, Any]:
    figures: dict[str, Any] = figures_of(read_run(write_run(folder, suite_of(prompts, suite), arms)))
    return figures


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return made(tmp_path_factory.mktemp("runs") / "run", ARMS)


def test_each_section_has_its_arms(figures: dict[str, Any]) -> None:
    assert figures["arms"]["arms"] == ["base", "best-of-n", "one-pass", "agent", "agent-1", "agent-3"]
    assert figures["sizes"]["arms"] == ["retrieval-0", "retrieval-1000", "agent"]
    assert figures["sizes"]["sizes"] == ["0", "1000", "all"]
    assert figures["ablations"]["arms"] == ["agent", "without-floor", "without-inspection"]
    assert figures["arms"]["prompts"] == {"known": 20, "lacking": 20}
    assert figures["arms"]["half"] == "development"
    assert figures["arms"]["seeds"] == {"known": 2, "lacking": 2}
    assert (figures["arms"]["fewer"], figures["arms"]["unmeasured"]) == ([], 0)


def test_what_is_wanted_is_held_against_the_paired_differences(figures: dict[str, Any]) -> None:
    found = {(row["second"], row["first"], row["stratum"]): row for row in figures["arms"]["wanted"]}
    gain = found["agent", "one-pass", "lacking"]
    assert gain["mean"] > 0.1
    assert gain["wins"] + gain["losses"] + gain["ties"] == gain["count"] == 40
    assert gain["holds"] == "yes"
    assert found["agent", "base", "known"]["holds"] == "too few pairs: 800 are wanted"
    assert found["one-pass", "base", "known"]["holds"] is None  # shown beside
    assert ("random-references", "base", "") not in found, "no such arm was drawn"


@pytest.mark.parametrize(
    ("mean", "interval", "held"),
    [(0.12, [0.01, 0.2], "yes"), (0.12, [-0.01, 0.2], "no"), (0.09, [0.05, 0.2], "no"), (0.1, [0.05, 0.2], "yes")],
)
def test_both_the_points_and_the_interval_are_wanted(mean: float, interval: list[float], held: str) -> None:
    assert holds(WANTED[0], {"mean": mean, "interval": interval, "count": 60}) == held


def test_a_bound_is_that_of_the_interval() -> None:
    low = Wanted("agent", "base", "known", -1, "low", 800)
    assert holds(low, {"mean": 0.0, "interval": [-0.009, 0.009], "count": 800}) == "yes"
    assert holds(low, {"mean": 0.0, "interval": [-0.011, 0.009], "count": 800}) == "no"
    assert holds(low, {"mean": 0.0, "interval": [-0.009, 0.009], "count": 799}).startswith("too few pairs")


def test_the_worth_of_a_part_is_the_agent_less_the_arm_without_it(figures: dict[str, Any]) -> None:
    floor, inspection = figures["ablations"]["rows"]
    assert floor["effects"]["lacking"]["mean"] > 0.5
    assert floor["effects"]["lacking"]["interval"][0] > 0
    assert floor["costs"]["steps"]["mean"] == -20  # the agent takes fewer
    assert abs(inspection["effects"]["lacking"]["mean"]) < 0.2
    assert floor["pairs"] == 80
    assert 0 < floor["other_images"] <= 80


def test_a_switch_that_does_nothing_is_seen(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", suite_of(4, "pictograms"), {"agent": Made(GOOD)})
    lines = (folder / "drawings.jsonl").read_text().splitlines()
    same = [line.replace('"arm": "agent"', '"arm": "without-floor"') for line in lines]
    (folder / "drawings.jsonl").write_text("\n".join([*lines, *same]) + "\n")
    run = json.loads((folder / "run.json").read_text())
    run["arms"].append({"name": "without-floor", "settings": {"floor": False}, "about": "none"})
    (folder / "run.json").write_text(json.dumps(run))
    (row,) = figures_of(read_run(folder))["ablations"]["rows"]
    assert (row["other_images"], row["pairs"]) == (0, 8)


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    arms = {**ARMS, "base": Made(BAD, fails=lambda at: at == 2)}
    folder = write_run(tmp_path / "run", suite_of(8, "pictograms"), arms)
    lines = (folder / "drawings.jsonl").read_text().splitlines()
    left = [line for line in lines if '"one-pass", "prompt": "p000' not in line]
    (folder / "drawings.jsonl").write_text("\n".join(left))
    text = markdown_of(figures_of(read_run(folder)))
    assert "4 known prompts with 2 seeds and 4 lacking prompts with 2 seeds" in text
    assert "Not drawn with all of them: `one-pass` (6 of 8 known)." in text
    assert "2 drawings failed, and count as showing nothing." in text


def test_they_are_the_same_after_they_were_kept(figures: dict[str, Any]) -> None:
    kept = json.loads(json.dumps(figures))
    assert markdown_of(kept) == markdown_of(figures)
    assert plots_of(kept) == plots_of(figures)


def test_markdown_has_a_row_for_each_arm(figures: dict[str, Any]) -> None:
    text = markdown_of(figures)
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    for name in ARMS.keys() - {"retrieval-0", "retrieval-1000"}:
        assert any(row.startswith(f"| `{name}`") for row in rows), name
    assert "Steps down whose interval excludes 0: none." in text
    assert f"({BUDGET_PLOT}.svg)" in text
    tables = [part.splitlines() for part in text.split("\n\n") if part.startswith("|")]
    assert all(len({line.count("|") for line in table}) == 1 for table in tables)


def test_a_step_down_is_told(tmp_path: Path) -> None:
    arms = {**ARMS, "retrieval-1000": Made(GOOD, 2, 40, {"retrieval_size": 1000}), "agent": Made(BAD, 2, 40)}
    text = markdown_of(made(tmp_path / "run", arms))
    assert "Steps down whose interval excludes 0: 1000 to all, lacking." in text


def test_plots_stand_alone(figures: dict[str, Any]) -> None:
    plots = plots_of(figures)
    assert set(plots) == {SIZES_PLOT, BUDGET_PLOT}
    for text in plots.values():
        root = ElementTree.fromstring(text)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert "prefers-color-scheme: dark" in text
        assert "{%" not in text
        assert not re.search(r"url\(|href|<script", text), "nothing is loaded"
    names = set(re.findall(r'class="label"[^>]*>([^<]+)<', plots[BUDGET_PLOT]))
    assert names == set(figures["arms"]["arms"])
    assert plots[BUDGET_PLOT].count('class="line"') == 1  # through the arms of the agent by their generations
    assert plots[SIZES_PLOT].count('class="line"') == 2  # known and lacking


def test_breadth_is_by_the_arms_that_a_section_is_about(tmp_path: Path, figures: dict[str, Any]) -> None:
    few = made(tmp_path / "few", {name: ARMS[name] for name in ("base", "agent", "agent-1", "without-floor")}, 60)
    assert (breadth("arms", figures), breadth("arms", few)) == (4, 2)
    assert breadth("ablations", figures) > breadth("ablations", few)
    assert "sizes" not in few


def test_the_only_stratum_is_named(tmp_path: Path) -> None:
    suite = suite_of(6, "pictograms")
    one = replace(suite, prompts=tuple(prompt for prompt in suite.prompts if prompt.stratum == "lacking"))
    figures = figures_of(read_run(write_run(tmp_path / "run", one, {"agent": Made(GOOD)})))
    assert figures["arms"]["prompts"] == {"lacking": 3}


def test_a_suite_without_strata_has_one_column(tmp_path: Path) -> None:
    suite = suite_of(6, "mine")
    plain = replace(suite, prompts=tuple(replace(prompt, stratum="") for prompt in suite.prompts))
    arms = {"base": Made({"": 0.5}), "agent": Made({"": 0.9}, 2, 40)}
    figures = figures_of(read_run(write_run(tmp_path / "run", plain, arms)))
    assert figures["arms"]["prompts"] == {"": 6}
    assert figures["arms"]["wanted"] == []
    assert "| arm | presence | images |" in markdown_of(figures)


def test_the_report_of_a_run_has_them_as_files(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", suite_of(6, "pictograms"), ARMS, images=True)
    write_report(folder)
    text = (folder / "figures.md").read_text(encoding="utf-8")
    for file in re.findall(r"\]\(([^)]+)\)", text):
        assert (folder / file).is_file()
