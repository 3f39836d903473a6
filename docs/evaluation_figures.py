"""Writes the tables and plots of evaluations into README.md and docs/evaluation-results.md, from folders of runs.

The figures are kept in docs/evaluation-figures.json, by section and half of the suite. Runs of one half are joined;
each may have other arms, prompts or seeds. A section that is kept stays where the runs have fewer of its arms. Without
a run, the pages are written anew from what is kept. A run on the half ``test`` is listed with its commit, which has to
be named.

python -m docs.evaluation_figures [RUN ...] [--commit REVISION]
python -m docs.evaluation_figures --check
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from imagerag.errors import UserError
from imagerag.evaluation.figure_pages import (
    BUDGET_PLOT,
    SIZES_PLOT,
    ablations_part,
    about,
    arms_part,
    budget_chart,
    default_arms_table,
    markdown_table,
    sizes_chart,
    sizes_part,
    svg_of,
)
from imagerag.evaluation.figures import SECTIONS, breadth, figures_of
from imagerag.evaluation.run_folder import Run, joined, read_run
from imagerag.evaluation.tables import Table

HERE = Path(__file__).parent
README, PAGE, FIGURES = HERE.parent / "README.md", HERE / "evaluation-results.md", HERE / "evaluation-figures.json"
BEGINS, ENDS = "<!-- figures: python -m docs.evaluation_figures RUN... -->", "<!-- end of figures -->"
SUITE = "pictograms"
HALVES = ("test", "development", "development and test")
"""The first that there is of a section is the one that the README and the plots show."""
NONE_YET = "No run is entered yet."

Kept = dict[str, Any]
"""``sections``: by name and half; ``test_runs``: each run on the half ``test``, the first one first."""


def nothing_kept() -> Kept:
    """Return what is kept before the first run."""
    return {"sections": {section: {} for section in SECTIONS}, "test_runs": []}


def enter(kept: Kept, runs: Sequence[Path], commit: str = "") -> list[str]:
    """Enter the figures of runs, over those of the same sections and halves.

    Args:
        kept: is changed.
        runs: their folders.
        commit: that they were made at.

    Returns:
        What was entered, in words.

    Raises:
        UserError: a folder is no run, or is of another suite; or one is of the half ``test`` without a commit.
    """
    halves: dict[str, list[Run]] = {}
    for folder in runs:
        run = read_run(folder)
        if run.suite.name != SUITE:
            raise UserError(f"{str(folder)!r} is of the suite {run.suite.name!r}; the pages show {SUITE!r}")
        half = " and ".join(sorted({prompt.split for prompt in run.suite.prompts}))
        if "test" in half and not commit:
            raise UserError(f"{str(folder)!r} is of the half 'test'; name the commit it was made at with --commit")
        halves.setdefault(half, []).append(run)
    told = []
    for half, of_half in halves.items():
        run = joined(of_half)
        figures = figures_of(run)
        for section in SECTIONS:
            if section not in figures:
                continue
            if commit:
                figures[section]["commit"] = commit
            before = kept["sections"][section].get(half)
            if before and breadth(section, {section: before}) > breadth(section, figures):
                told.append(f"{section}, half {half!r}: as before, since these runs have fewer of its arms")
                continue
            kept["sections"][section][half] = figures[section]
            told.append(f"{section}, half {half!r}: {len(figures[section]['arms'])} arms")
        if "test" in half:
            row = {"commit": commit, "prompts": len(run.prompts), "seeds": len(run.file.seeds), "arms": list(run.arms)}
            if row not in kept["test_runs"]:
                kept["test_runs"].append(row)
    return told


def written(kept: Kept, readme: str, page: str) -> dict[Path, str]:
    """Return the files that show what is kept.

    Args:
        kept: the figures.
        readme, page: the texts of the README and of the page, between whose marks the figures go.

    Raises:
        UserError: a text lacks the marks.
    """
    shown = {section: _shown(kept, section) for section in SECTIONS}
    charts = {
        SIZES_PLOT: None if shown["sizes"] is None else sizes_chart(shown["sizes"]),
        BUDGET_PLOT: None if shown["arms"] is None else budget_chart(shown["arms"]),
    }
    plots = {name: chart for name, chart in charts.items() if chart is not None}
    images = {name: f"![{chart.title}](evaluation-{name}.svg)" for name, chart in plots.items()}
    of_readme = [NONE_YET]
    if shown["arms"] is not None:
        of_readme = [
            f"Means of {about(shown['arms'])}",
            markdown_table(default_arms_table(shown["arms"])),
            *(image.replace("](", "](docs/") for image in images.values()),
        ]
    return {
        README: between(readme, of_readme, README.name),
        PAGE: between(page, _page_parts(kept, images) or [NONE_YET], PAGE.name),
        **{HERE / f"evaluation-{name}.svg": svg_of(chart) for name, chart in plots.items()},
    }


def _page_parts(kept: Kept, images: dict[str, str]) -> list[str]:
    titles = {"arms": "Arms", "sizes": "Size of the retrieval set", "ablations": "Parts of the loop taken out or added"}
    write = {"arms": arms_part, "sizes": sizes_part, "ablations": ablations_part}
    plot_of = {"arms": BUDGET_PLOT, "sizes": SIZES_PLOT}
    parts: list[str] = []
    for section in SECTIONS:
        there = [(half, kept["sections"][section][half]) for half in HALVES if half in kept["sections"][section]]
        for place, (half, part) in enumerate(there):
            plot = images.get(plot_of.get(section, ""), "") if place == 0 else ""
            parts += [f"### {titles[section]}, half {half}", *write[section](part), plot]
    if kept["test_runs"]:
        rows = [
            [
                f"`{row['commit']}`",
                f"{row['prompts']:,}",
                str(row["seeds"]),
                ", ".join(f"`{name}`" for name in row["arms"]),
            ]
            for row in kept["test_runs"]
        ]
        table = markdown_table(Table(["commit", "prompts", "seeds", "arms"], rows))
        parts += ["### Runs on the half test", table]
    return [part for part in parts if part]


def _shown(kept: Kept, section: str) -> dict[str, Any] | None:
    of_it: dict[str, dict[str, Any]] = kept["sections"][section]
    return next((of_it[half] for half in HALVES if half in of_it), None)


def between(text: str, parts: Sequence[str], name: str) -> str:
    """Return a text with other parts between its marks.

    Raises:
        UserError: it has no marks, or not once each and in their order.
    """
    pattern = re.compile(f"{re.escape(BEGINS)}.*?{re.escape(ENDS)}", re.DOTALL)
    if len(pattern.findall(text)) != 1 or text.count(BEGINS) != 1 or text.count(ENDS) != 1:
        raise UserError(f"{name} has to have the lines {BEGINS!r} and {ENDS!r} once each, in this order")
    body = "\n\n".join([BEGINS, *parts, ENDS])
    return pattern.sub(lambda _: body, text)


def read_kept() -> Kept:
    """Return what is kept."""
    kept: Kept = json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.exists() else nothing_kept()
    return kept


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pages, or tell whether they are as they would be written."""
    parser = argparse.ArgumentParser(prog="python -m docs.evaluation_figures")
    parser.add_argument("runs", nargs="*", type=Path, metavar="RUN", help="folder of a run, as --out named it")
    parser.add_argument("--commit", default="", metavar="REVISION", help="that the runs were made at")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a page is another")
    options = parser.parse_args(arguments)
    kept = read_kept()
    try:
        told = enter(kept, options.runs, options.commit)
        files = written(kept, README.read_text(encoding="utf-8"), PAGE.read_text(encoding="utf-8"))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if options.check:
        return int(any(not path.exists() or path.read_text(encoding="utf-8") != text for path, text in files.items()))
    FIGURES.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
    for line in told:
        print(line, file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
