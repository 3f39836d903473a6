"""The figures of a run in rows: for the terminal, for CSV files and for the page."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from imagerag.evaluation.compare import Compared
from imagerag.evaluation.critic_report import CriticReport
from imagerag.evaluation.metric_meaning import PRESENCE, better_of, is_share
from imagerag.evaluation.preferences import Preferences
from imagerag.evaluation.run_folder import counted
from imagerag.evaluation.scores import ALL, COSTS
from imagerag.evaluation.statistics import Estimate
from imagerag.evaluation.summary import ArmSummary, Summary

SIDE_BY_SIDE = 6
"""Arms up to which the terminal shows strata and kinds, a column for each arm; the page and the files have all."""


class Table(NamedTuple):
    """Rows under their heads; the first column is text, the others are set to the right in the terminal."""

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


def value_text(metric: str, value: float) -> str:
    """Return a value in the unit that people read it in."""
    if is_share(metric):
        return f"{100 * value:.1f} %"
    if metric == "money":
        return f"${value:.4f}"
    return f"{value:.1f}" if metric in COSTS else f"{value:.3f}"


def estimate_text(metric: str, estimate: Estimate | None) -> str:
    """Return a mean and its interval; a dash where there is none."""
    if estimate is None:
        return "-"
    shown = value_text(metric, estimate.mean)
    if math.isnan(estimate.low):
        return shown
    low, high = (value_text(metric, end).removesuffix(" %") for end in (estimate.low, estimate.high))
    return f"{shown} ({low} to {high})"


def difference_text(metric: str, estimate: Estimate) -> str:
    """Return a difference and its interval; of shares in percentage points."""
    times, places = (100, 1) if is_share(metric) else (1, 1 if metric in COSTS and metric != "money" else 4)
    shown = [
        f"{round(times * value, places) + 0.0:+.{places}f}" for value in (estimate.mean, estimate.low, estimate.high)
    ]
    return shown[0] if math.isnan(estimate.low) else f"{shown[0]} ({shown[1]} to {shown[2]})"


def arm_table(summary: Summary) -> Table:
    """Return a row for each arm: its metrics with intervals and its mean costs."""
    costs = [name for name in COSTS if any(_cost(arm, name) for arm in summary.arms)]
    rows = [
        [
            arm.name,
            str(arm.prompts),
            str(arm.drawings),
            *(estimate_text(metric, arm.scores.get(metric, {}).get(ALL)) for metric in summary.metrics),
            *(value_text(name, arm.costs[name].mean) if name in arm.costs else "-" for name in costs),
        ]
        for arm in summary.arms
    ]
    return Table(["arm", "prompts", "drawings", *map(_head, summary.metrics), *costs], rows)


def _head(metric: str) -> str:
    shown = metric.replace("_", " ")
    return f"{shown} (lower is better)" if better_of(metric) == "lower" else shown


def _cost(arm: ArmSummary, name: str) -> float:
    return arm.costs[name].mean if name in arm.costs else 0.0


def group_table(summary: Summary) -> Table:
    """Return the headline metric of each arm, a row for each stratum, form and kind of concept; none without these."""
    metric = summary.headline
    scores = [arm.scores.get(metric, {}) for arm in summary.arms]
    groups = dict.fromkeys(group for of_arm in scores for group in of_arm if group != ALL)
    rows = [[str(group), *(estimate_text(metric, of_arm.get(group)) for of_arm in scores)] for group in groups]
    return Table([metric, *(arm.name for arm in summary.arms)], rows)


def difference_table(compared: Iterable[Compared]) -> Table:
    """Return a row for each difference."""
    rows = []
    for row in compared:
        found = row.difference
        rows.append(
            [
                f"{row.second} - {row.first}",
                row.metric,
                str(row.group),
                difference_text(row.metric, found),
                f"{found.wins}/{found.ties}/{found.losses}",
                str(found.count),
                str(found.prompts),
                "-" if found.needed is None else f"{found.needed:,}",
            ]
        )
    heads = ["arms", "metric", "of", "difference", "higher/same/lower", "pairs", "prompts", "prompts needed"]
    return Table(heads, rows)


MEASURES: Mapping[str, Callable[[CriticReport], Estimate | None]] = {
    "calibration error": lambda report: report.error,
    "of arms that draw once": lambda report: report.plain_error,
    "agrees with the evaluator": lambda report: report.agreement,
    "kappa": lambda report: report.kappa,
    "present though absent": lambda report: report.false_present,
    "absent though present": lambda report: report.false_absent,
    "agrees with people": lambda report: report.people,
    "evaluator agrees with people": lambda report: report.evaluator_people,
}


def critic_table(critics: dict[str, CriticReport]) -> Table:
    """Return what is known of each critic."""
    rows = [
        [label, *(estimate_text("", read(report)) for report in critics.values())] for label, read in MEASURES.items()
    ]
    return Table(["", *(name or "critic" for name in critics)], rows)


def preference_table(preferences: Preferences) -> Table:
    """Return a row for each pair of arms that people labelled."""
    rows = [
        [
            f"{rate.second} over {rate.first}",
            estimate_text(PRESENCE, rate.rate),
            f"{rate.wins}/{rate.ties}/{rate.losses}",
            str(rate.rate.prompts),
            str(rate.same),
        ]
        for rate in preferences.rates
    ]
    return Table(["preferred", "win rate", "wins/ties/losses", "prompts", "same image"], rows)


def strength_table(preferences: Preferences) -> Table:
    """Return a row for each arm on the scale of Bradley and Terry, the strongest first."""
    rows = [
        [one.arm, f"{100 * one.chance:.0f} % ({100 * one.low:.0f} to {100 * one.high:.0f})"]
        for one in preferences.strengths
    ]
    return Table(["arm", "preferred to an average arm"], rows)


def aligned(table: Table) -> list[str]:
    """Return a table as lines of text in columns."""
    lines = [table.heads, *table.rows]
    widths = [max(len(line[at]) for line in lines) for at in range(len(table.heads))]
    return [
        "  ".join(
            cell.ljust(width) if at == 0 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]


def report_lines(summary: Summary) -> list[str]:
    """Return what the terminal shows of a run."""
    suite, seeds = summary.run.suite, summary.run.file.seeds
    counts = f"{counted(len(suite.prompts), 'prompt')}, {counted(len(seeds), 'seed')}"
    lines = [f"{suite.name}: {counts}; intervals of 95 %", ""]
    lines += aligned(arm_table(summary))
    groups = group_table(summary)
    if groups.rows and len(summary.arms) <= SIDE_BY_SIDE:
        lines += ["", *aligned(groups)]
    of_headline = [row for row in summary.compared if row.metric == summary.headline]
    headline = [row for row in of_headline if row.group.of in ("all", "stratum")]
    if headline:
        lines += ["", *aligned(difference_table(headline))]
    if any(report.error for report in summary.critics.values()):
        lines += ["", *aligned(critic_table(summary.critics))]
    if summary.preferences is not None:
        lines += ["", *aligned(preference_table(summary.preferences))]
    notes = [*suite.notes, *summary.notes]
    return [*lines, *([""] if notes else []), *(f"note: {note}" for note in notes)]


def scores_csv(summary: Summary) -> str:
    """Return the means of every arm, metric and group, a row each."""
    rows = [
        [summary.run.suite.name, arm.name, metric, group.of, group.name, *_numbers(found)]
        for arm in summary.arms
        for metric, groups in (*arm.scores.items(), *((cost, {ALL: one}) for cost, one in arm.costs.items()))
        for group, found in groups.items()
    ]
    heads = ["suite", "arm", "metric", "group", "name", "mean", "low", "high", "values", "prompts"]
    return _csv(heads, rows)


def differences_csv(compared: Iterable[Compared]) -> str:
    """Return the paired differences, a row each."""
    heads = [
        "first", "second", "metric", "group", "name", "difference", "low", "high", "pairs", "prompts", "wins", "losses",
        "ties", "prompts_needed", "smallest_visible",
    ]  # fmt: skip
    rows: list[list[object]] = []
    for row in compared:
        found = row.difference
        needed = "" if found.needed is None else found.needed
        visible = "" if math.isnan(found.visible) else found.visible
        ends = [found.wins, found.losses, found.ties, needed, visible]
        rows.append([row.first, row.second, row.metric, row.group.of, row.group.name, *_numbers(found), *ends])
    return _csv(heads, rows)


def _numbers(estimate: Estimate) -> list[object]:
    ends = ["", ""] if math.isnan(estimate.low) else [estimate.low, estimate.high]
    return [estimate.mean, *ends, estimate.count, estimate.prompts]


def _csv(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(heads)
    writer.writerows(rows)
    return file.getvalue()
