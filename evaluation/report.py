"""The report of a run, written into its folder: figures as JSON, CSV and Markdown, charts, pages of the images."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from imagerag.evaluation.figure_pages import markdown_of, plots_of
from imagerag.evaluation.figures import figures_of
from imagerag.evaluation.labels import LabelFile
from imagerag.evaluation.records import SuitePrompt
from imagerag.evaluation.run_folder import IMAGES, Key, Run, read_run
from imagerag.evaluation.scores import ALL, paired, values_of
from imagerag.evaluation.series import (
    budget_chart,
    concept_chart,
    difference_charts,
    reliability_chart,
    series_charts,
)
from imagerag.evaluation.summary import Summary, summarise
from imagerag.evaluation.tables import (
    arm_table,
    critic_table,
    difference_table,
    differences_csv,
    group_table,
    preference_table,
    scores_csv,
    strength_table,
    value_text,
)
from imagerag.report.templates import render
from imagerag.store.files import write_whole
from imagerag.told_text import told_text

REPORT, SUMMARY, SCORES, DIFFERENCES, FIGURES = (
    "report.html", "summary.json", "scores.csv", "differences.csv", "figures.md",
)  # fmt: skip
PAGES = "pages"
"""Folder of the pages of images."""
ON_A_PAGE = 40
"""Prompts on a page of images."""


class Page(NamedTuple):
    """A page of images.

    Attributes:
        name: of the file in ``PAGES``.
        title: the stratum, and which of its pages.
        prompts: on it.
    """

    name: str
    title: str
    prompts: Sequence[SuitePrompt]

    @property
    def file(self) -> str:
        """Where it lies, seen from the report."""
        return f"{PAGES}/{self.name}"


def write_report(folder: Path) -> Summary:
    """Write the report of a run as it stands into its folder, over an earlier one; return what it says.

    Raises:
        UserError: there is no run, nothing of it is drawn or measured, or the report can't be written.
    """
    run, labels = read_run(folder), LabelFile(folder)
    summary = summarise(run, labels.labels, labels.notes)
    pages, figures = pages_of(run), figures_of(run)
    files = {
        SUMMARY: json.dumps(summary.as_json(), indent=1, ensure_ascii=False) + "\n",
        SCORES: scores_csv(summary),
        DIFFERENCES: differences_csv(summary.compared),
        FIGURES: markdown_of(figures),
        **{f"{name}.svg": plot for name, plot in plots_of(figures).items()},
        REPORT: report_page(summary, pages),
        **{page.file: images_page(run, page, pages, summary.headline) for page in pages},
    }
    for name, text in files.items():
        write_whole(folder / name, text.encode("utf-8", "replace"), durable=False, private=False)
    for path in (folder / PAGES).glob("*.html"):  # of an earlier report with more of them
        if re.fullmatch(r"\d{3,}\.html", path.name) and f"{PAGES}/{path.name}" not in files:
            path.unlink()
    return summary


def pages_of(run: Run) -> list[Page]:
    """Divide the prompts that have drawings into pages, each of one stratum."""
    drawn = {key.prompt for drawings in run.drawings.values() for key in drawings}
    strata: dict[str, list[SuitePrompt]] = {}
    for prompt in run.suite.prompts:
        if prompt.name in drawn:
            strata.setdefault(prompt.stratum, []).append(prompt)
    pages: list[Page] = []
    for stratum, prompts in strata.items():
        for start in range(0, len(prompts), ON_A_PAGE):
            end = min(start + ON_A_PAGE, len(prompts))
            part = f" {start + 1} to {end}" if len(prompts) > ON_A_PAGE else ""
            title = f"{stratum or 'prompts'}{part}"
            pages.append(Page(f"{len(pages) + 1:03}.html", title, prompts[start:end]))
    return pages


def report_page(summary: Summary, pages: Sequence[Page]) -> str:
    """Return the page with the figures and charts; nothing on it is loaded from anywhere."""
    run = summary.run
    first = summary.arms[0].name
    concepts = (concept_chart(first, name, changes) for name, changes in summary.changes.items())
    reliability = (reliability_chart(name, report) for name, report in summary.critics.items())
    arms = [{"name": arm.name, "about": arm.about, "settings": _settings_text(arm.settings)} for arm in summary.arms]
    return render(
        "evaluation.html.j2",
        suite=run.suite,
        seeds=run.file.seeds,
        splits=sorted({prompt.split for prompt in run.suite.prompts if prompt.split}),
        versions=run.file.versions,
        notes=[told_text(note) for note in (*run.suite.notes, *summary.notes)],
        arms=arms,
        headline=summary.headline,
        arm_table=arm_table(summary),
        group_table=group_table(summary),
        difference_table=difference_table(summary.compared),
        difference_charts=difference_charts(summary),
        series_charts=series_charts(summary),
        budget_chart=budget_chart(summary),
        concept_charts=[chart for chart in concepts if chart is not None],
        reliability_charts=[chart for chart in reliability if chart is not None],
        critic_table=critic_table(summary.critics),
        critic_notes=list(dict.fromkeys(note for report in summary.critics.values() for note in report.notes)),
        preferences=summary.preferences,
        preference_table=preference_table(summary.preferences) if summary.preferences else None,
        strength_table=strength_table(summary.preferences) if summary.preferences else None,
        pages=pages,
        losses={arm.name: _losses(summary, first, arm.name, pages) for arm in summary.arms[1:]},
    )


def _settings_text(settings: dict[str, object]) -> str:
    return ", ".join(f"{key} {value}" for key, value in settings.items())


def _losses(summary: Summary, first: str, second: str, pages: Sequence[Page]) -> list[dict[str, str]]:
    """Return the prompts on which an arm is worse than the first, the most so first."""
    run = summary.run
    pairs = paired(*(values_of(run, summary.headline, arm, ALL) for arm in (first, second)))
    lost: dict[str, float] = {}
    for name, one, other in zip(pairs.prompts, pairs.first, pairs.second, strict=True):
        lost[name] = lost.get(name, 0.0) + one - other
    page_of = {prompt.name: page for page in pages for prompt in page.prompts}
    worse = sorted((name for name, value in lost.items() if value > 1e-9), key=lambda name: -lost[name])
    return [
        {
            "link": f"{page_of[name].file}#{name}",
            "text": run.prompts[name].text,
            "stratum": run.prompts[name].stratum,
        }
        for name in worse
    ]


def images_page(run: Run, page: Page, pages: Sequence[Page], headline: str) -> str:
    """Return a page of images, which lie beside it in the run's folder."""
    seeds = sorted({key.seed for drawings in run.drawings.values() for key in drawings})
    prompts = []
    for prompt in page.prompts:
        rows = []
        for seed in seeds:
            drawings = [_shown(run, arm, Key(prompt.name, seed), headline) for arm in run.arms]
            rows.append({"seed": seed, "drawings": [drawing for drawing in drawings if drawing is not None]})
        prompts.append({"name": prompt.name, "text": prompt.text, "stratum": prompt.stratum, "rows": rows})
    return render("evaluation_images.html.j2", title=page.title, pages=pages, prompts=prompts)


def _shown(run: Run, arm: str, key: Key, headline: str) -> dict[str, Any] | None:
    drawing = run.drawings.get(arm, {}).get(key)
    if drawing is None:
        return None
    entry = run.measured.get(headline, {}).get(arm, {}).get(key)
    parts = entry.parts if entry is not None else {}
    return {
        "arm": arm,
        "image": f"../{IMAGES}/{drawing.image}.png" if drawing.image else "",
        "value": value_text(headline, entry.value) if entry is not None and entry.value is not None else None,
        "parts": [{"text": text, "seen": value >= 0.5, "said": _seen(value)} for text, value in parts.items()],
        "score": drawing.score,
        "generations": drawing.generations,
        "references": [reference.title or reference.caption for reference in drawing.references],
        "error": told_text(drawing.error),
    }


def _seen(value: float) -> str:
    return {0.0: "not seen", 1.0: "seen"}.get(value, f"{value:.2f}")
