"""The figures of a run as Markdown and as plots in files of their own, from what ``figures`` keeps of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from imagerag.evaluation.arms import DEFAULT_ARMS
from imagerag.evaluation.charts import Chart, Point, point_chart
from imagerag.evaluation.compare import some
from imagerag.evaluation.figures import BESIDE, Figures
from imagerag.evaluation.metric_meaning import is_share
from imagerag.evaluation.run_folder import counted
from imagerag.evaluation.series import BUDGETS, budget_unit
from imagerag.evaluation.statistics import Estimate
from imagerag.evaluation.tables import Table, difference_text, estimate_text, value_text
from imagerag.report.templates import render

SIZES_PLOT, BUDGET_PLOT = "retrieval-size", "budget"
"""Names of the plots, without their ending."""
NO_BUDGET = ("references-", "lookup-", "random-", "mislabelled-")
"""How the names of arms begin that spend what others do, and are not in the plot of budgets."""
SHOWN_COSTS = ("generations", "steps", "calls", "money", "seconds")


def markdown_of(figures: Figures) -> str:
    """Return all figures of one run as Markdown."""
    parts = [f"# {next(iter(figures.values()))['suite']}" if figures else ""]
    if "arms" in figures:
        chart = budget_chart(figures["arms"])
        parts += [*arms_part(figures["arms"]), "" if chart is None else f"![{chart.title}]({BUDGET_PLOT}.svg)"]
    if "sizes" in figures:
        plot = f"![{sizes_chart(figures['sizes']).title}]({SIZES_PLOT}.svg)"
        parts += ["## Size of the retrieval set", *sizes_part(figures["sizes"]), plot]
    if "ablations" in figures:
        parts += ["## Parts of the loop taken out or added", *ablations_part(figures["ablations"])]
    return "\n\n".join(filter(None, parts)) + "\n"


def plots_of(figures: Figures) -> dict[str, str]:
    """Return the plots that figures make, SVG by name."""
    charts = {
        SIZES_PLOT: sizes_chart(figures["sizes"]) if "sizes" in figures else None,
        BUDGET_PLOT: budget_chart(figures["arms"]) if "arms" in figures else None,
    }
    return {name: svg_of(chart) for name, chart in charts.items() if chart is not None}


def svg_of(chart: Chart) -> str:
    """Return a chart as a file of its own, in the colours of light or dark pages as its reader has them."""
    return render("chart_file.svg.j2", chart=chart).strip() + "\n"


def arms_part(part: dict[str, Any]) -> list[str]:
    """Return paragraphs and tables: all arms, and what was wanted of them."""
    parts = [f"Means of {about(part)}", markdown_table(arms_table(part))]
    if part["wanted"]:
        parts += ["Paired differences, in points, with what is wanted:", markdown_table(wanted_table(part))]
    return parts


def sizes_part(part: dict[str, Any]) -> list[str]:
    """Return paragraphs and tables: scores by the size of the retrieval set, and the steps between sizes."""
    rows = [[size, *_score_cells(part, row)] for size, row in zip(part["sizes"], part["rows"], strict=True)]
    table = Table(["pictures that can be found", *_group_heads(part)], rows)
    down = [
        f"{before} to {after}, {name or 'all prompts'}"
        for (before, after), step in zip(pairwise(part["sizes"]), part["steps"], strict=True)
        for name, found in step.items()
        if found["interval"] and found["interval"][1] < 0
    ]
    told = f"Steps down whose interval excludes 0: {'; '.join(down) or 'none'}."
    return [f"Means of {about(part)}", markdown_table(table), told, markdown_table(_steps_table(part))]


def ablations_part(part: dict[str, Any]) -> list[str]:
    """Return a paragraph and a table: what each part of the loop is worth."""
    told = (
        f"What the loop as it is gains over one that lacks a part, or has one more, in points: `agent` less that arm. "
        f"Paired differences of {about(part)} Where no image is another one, the part does nothing on these prompts."
    )
    return [told, markdown_table(ablations_table(part))]


def about(part: dict[str, Any]) -> str:
    """Return of what figures are, as the end of a sentence that begins with "Means of"."""
    half = f", half `{part['half']}`" if part["half"] else ""
    counts = [
        f"{counted(count, f'{name} prompt'.strip())} with {counted(part['seeds'][name], 'seed')}"
        for name, count in part["prompts"].items()
    ]
    sentences = [f"`{part['metric']}` on the suite `{part['suite']}`{half}: {' and '.join(counts)}; intervals of 95 %."]
    if part["fewer"]:
        told = [
            f"`{one['arm']}` ({one['drawings']:,} of {one['of']:,}{one['group'] and ' ' + one['group']})"
            for one in part["fewer"]
        ]
        sentences.append(f"Not drawn with all of them: {some(told)}.")
    if part["unmeasured"]:
        sentences.append(f"Not measured yet: {counted(part['unmeasured'], 'image')}.")
    if part["failed"]:
        sentences.append(f"{counted(part['failed'], 'drawing')} failed, and count as showing nothing.")
    made = ", ".join(f"{name} {version}" for name, version in part["versions"].items())
    commit = f" at commit {part['commit']}" if part.get("commit") else ""
    return " ".join([*sentences, *([f"Made with {made}{commit}."] if made else [])])


def arms_table(part: dict[str, Any], names: Sequence[str] | None = None) -> Table:
    """Return a row for each arm: its scores by group, and what an image costs.

    Args:
        part: the section ``arms``.
        names: of the arms that are shown; all unless given.
    """
    rows = [row for row in part["rows"] if names is None or row["name"] in names]
    costs = [cost for cost in SHOWN_COSTS if any(row[cost] for row in rows)]
    heads = {"generations": "images", "steps": "denoising steps", "money": "dollars"}
    return Table(
        ["arm", *_group_heads(part), *(heads.get(cost, cost) for cost in costs)],
        [
            [
                f"`{row['name']}`",
                *_score_cells(part, row),
                *("-" if row[cost] is None else value_text(cost, row[cost]) for cost in costs),
            ]
            for row in rows
        ],
    )


def default_arms_table(part: dict[str, Any]) -> Table:
    """Return the rows of the arms that are run by default; of all where none of them was."""
    known = [row["name"] for row in part["rows"] if row["name"] in DEFAULT_ARMS]
    return arms_table(part, known or None)


def wanted_table(part: dict[str, Any]) -> Table:
    """Return a row for each difference of which something is wanted."""
    rows = []
    for row in part["wanted"]:
        wanted = {
            "both": f">= {row['points']:+d}, interval above 0",
            "low": f"low end >= {row['points']:+d}",
            "difference": f">= {row['points']:+d}",
        }[row["of"]]
        beside = row["second"] in BESIDE
        rows.append(
            [
                f"`{row['second']}` less `{row['first']}`, {row['stratum'] or 'all'} prompts",
                *_difference_cells(part["metric"], row),
                "shown beside" if beside else wanted,
                "" if beside else row["holds"],
            ]
        )
    return Table(["difference", "points", "won, lost", "pairs", "wanted", "holds"], rows)


def ablations_table(part: dict[str, Any]) -> Table:
    """Return a row for each arm that lacks a part of the loop."""
    groups = [*part["prompts"]]
    rows = []
    for row in part["rows"]:
        effects = [row["effects"].get(group) for group in groups]
        costs = [row["costs"][cost] for cost in ("generations", "steps")]
        rows.append(
            [
                f"`{row['name']}`: {row['about']}",
                *("-" if one is None else difference_text(part["metric"], _estimate(one)) for one in effects),
                *("-" if one is None else f"{one['mean']:+.1f}" for one in costs),
                "-" if row["wrong"] is None else f"{row['wrong']:,}; {row['wrong_of_agent']:,}",
                f"{row['other_images']:,} of {row['pairs']:,}",
            ]
        )
    heads = ["images", "denoising steps", "drawings with a wrong reference: arm; agent", "other images"]
    return Table(["arm", *_group_heads(part), *heads], rows)


def sizes_chart(part: dict[str, Any]) -> Chart:
    """Return the score against the size of the retrieval set, a line for each group of prompts."""
    points: list[Point] = []
    lines: list[list[int]] = []
    for group in part["prompts"]:
        scores = [row["scores"].get(group) for row in part["rows"]]
        there = [(at, score) for at, score in enumerate(scores) if score is not None]
        lines.append([*range(len(points), len(points) + len(there))])
        for at, score in there:
            label = group if len(part["prompts"]) > 1 and (at, score) == there[-1] else ""
            points.append(_point(float(at), score, label))
    title = f"{_of(part)} against the size of the retrieval set"
    names, titles = part["sizes"], ("pictures that can be found", part["metric"])
    return point_chart(title, points, titles, names=names, percent=is_share(part["metric"]), joined=lines)


def budget_chart(part: dict[str, Any]) -> Chart | None:
    """Return the score of each arm against what an image costs; ``None`` where all cost the same.

    Of several strata it is the last one that has a score in every arm: of pictograms, the prompts that base lacks.
    """
    rows = [row for row in part["rows"] if not row["name"].startswith(NO_BUDGET)]
    groups = [group for group in part["prompts"] if rows and all(group in row["scores"] for row in rows)]
    for budget in BUDGETS:
        if not groups or len({row[budget] for row in rows}) < 2 or any(row[budget] is None for row in rows):
            continue
        points = [_point(row[budget], row["scores"][groups[-1]], row["name"]) for row in rows]
        steps = sorted((at for at, row in enumerate(rows) if row["name"][6:].isdigit()), key=lambda at: points[at].x)
        of_agent = [at for at in steps if rows[at]["name"].startswith("agent-")]
        title = f"{_of(part)} against budget{f', {groups[-1]} prompts' if groups[-1] else ''}"
        titles = (budget_unit(budget), part["metric"])
        return point_chart(title, points, titles, percent=is_share(part["metric"]), joined=[of_agent])
    return None


def markdown_table(table: Table) -> str:
    """Return a table in Markdown."""
    lines = [[*table.heads], ["---"] * len(table.heads), *map(list, table.rows)]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def _of(part: dict[str, Any]) -> str:
    half = f", half {part['half']}" if part["half"] else ""
    return f"{part['metric']} on {part['suite']}{half}, intervals of 95 %,"


def _group_heads(part: dict[str, Any]) -> list[str]:
    return [f"{part['metric']}, {name}" if name else part["metric"] for name in part["prompts"]]


def _score_cells(part: dict[str, Any], row: dict[str, Any]) -> Iterable[str]:
    for group in part["prompts"]:
        score = row["scores"].get(group)
        yield "-" if score is None else estimate_text(part["metric"], _estimate(score))


def _difference_cells(metric: str, found: dict[str, Any]) -> list[str]:
    won = f"{found['wins']}, {found['losses']}"
    return [difference_text(metric, _estimate(found)), won, f"{found['count']:,}"]


def _steps_table(part: dict[str, Any]) -> Table:
    rows = [
        [f"{before} to {after}", name or "all", *_difference_cells(part["metric"], found)]
        for (before, after), step in zip(pairwise(part["sizes"]), part["steps"], strict=True)
        for name, found in step.items()
    ]
    return Table(["pictures", "prompts", "points", "won, lost", "pairs"], rows)


def _point(x: float, score: dict[str, Any], label: str) -> Point:
    estimate = _estimate(score)
    return Point(x, estimate.mean, estimate.low, estimate.high, label)


def _estimate(kept: dict[str, Any]) -> Estimate:
    low, high = kept["interval"] or (math.nan, math.nan)
    return Estimate(kept["mean"], low, high, kept["count"], kept["prompts"])
