"""The charts of a report, from the figures of a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

from imagerag.evaluation.charts import Chart, Point, Row, RowChart, number_text, point_chart, row_chart
from imagerag.evaluation.critic_report import CriticReport
from imagerag.evaluation.metric_meaning import is_share
from imagerag.evaluation.records import Arm
from imagerag.evaluation.run_folder import is_usable
from imagerag.evaluation.scores import ALL, Group
from imagerag.evaluation.summary import ArmSummary, ConceptChange, Summary

BUDGETS = ("steps", "generations", "seconds")
"""What an image costs; the first that the arms differ in is the budget of the chart."""
WITHOUT = {"retrieval_size": "all"}
"""What a setting means that is not set; "default" of others."""
MOST_CONCEPTS = 12
"""Gains and losses in a chart, each."""


OneArm = TypeVar("OneArm", Arm, ArmSummary)


class Series(NamedTuple, Generic[OneArm]):
    """Arms that differ in one number alone.

    Attributes:
        key: the setting.
        arms: with the setting's value, from the smallest on; the arm without it comes last.
    """

    key: str
    arms: Sequence[tuple[str, OneArm]]


def series_of(arms: Sequence[OneArm]) -> Iterator[Series[OneArm]]:
    """Yield each setting with three values or more among arms that are the same otherwise."""
    keys = {key: None for arm in arms for key, value in arm.settings.items() if _is_number(value)}
    for key in keys:
        groups: dict[str, list[OneArm]] = {}
        for arm in arms:
            if key not in arm.settings or _is_number(arm.settings[key]):
                rest = {name: value for name, value in arm.settings.items() if name != key}
                groups.setdefault(repr(sorted(rest.items(), key=lambda item: item[0])), []).append(arm)
        for group in groups.values():
            if len(group) >= 3 and sum(key in arm.settings for arm in group) >= 2:
                yield Series(key, [(_value(arm, key), arm) for arm in _in_order(group, key)])


def _value(arm: Arm | ArmSummary, key: str) -> str:
    return number_text(_number(arm.settings[key])) if key in arm.settings else WITHOUT.get(key, "default")


def _in_order(arms: Sequence[OneArm], key: str) -> list[OneArm]:
    """Return arms by the value of a setting, the smallest first and those without it last."""
    return sorted(arms, key=lambda arm: (key not in arm.settings, _number(arm.settings.get(key))))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and is_usable(value)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def series_charts(summary: Summary) -> list[Chart]:
    """Return a chart of the headline metric for each series of arms, such as of the retrieval set's size."""
    charts = []
    for series in series_of(summary.arms):
        points: list[Point] = []
        names: list[str] = []
        for name, arm in series.arms:
            found = arm.scores.get(summary.headline, {}).get(ALL)
            if found is not None:
                points.append(Point(len(names), found.mean, found.low, found.high))
                names.append(name)
        if len(points) > 1:
            said = series.key.replace("_", " ")
            title = f"{summary.headline} against {said}, {series.arms[0][1].prompts} prompts, intervals of 95 %"
            share = is_share(summary.headline)
            line = range(len(points))
            charts.append(
                point_chart(title, points, (said, summary.headline), names=names, percent=share, joined=[line])
            )
    return charts


def budget_chart(summary: Summary) -> Chart | None:
    """Return the headline metric against what an image costs; ``None`` where all arms cost the same."""
    for budget in BUDGETS:
        points = [
            Point(arm.costs[budget].mean, found.mean, found.low, found.high, arm.name)
            for arm in summary.arms
            if budget in arm.costs and (found := arm.scores.get(summary.headline, {}).get(ALL)) is not None
        ]
        if len({round(point.x, 6) for point in points}) > 1:
            unit = budget_unit(budget)
            title = f"{summary.headline} against {unit}, means of each arm, intervals of 95 %"
            share = is_share(summary.headline)
            return point_chart(title, points, (unit, summary.headline), percent=share)
    return None


def budget_unit(budget: str) -> str:
    """Return a budget in words, as an axis has it."""
    return {"steps": "denoising steps of an image", "generations": "drawings of an image"}.get(budget, budget)


def difference_charts(summary: Summary) -> dict[str, list[RowChart]]:
    """Return what other arms change against a baseline, by its name: a chart of all prompts and one of each stratum.

    Baselines are the arms that two others or more were compared with, or the only one.
    """
    compared: dict[str, dict[Group, list[Row]]] = {}
    for row in summary.compared:
        if row.metric == summary.headline and row.group.of in ("all", "stratum"):
            found = row.difference
            shown = Row(row.second, found.mean, found.low, found.high, f"n {found.prompts}")
            compared.setdefault(row.first, {}).setdefault(row.group, []).append(shown)
    baselines = [first for first, groups in compared.items() if len(groups.get(ALL, ())) > 1] or [*compared]
    share = is_share(summary.headline)
    of = f"{summary.headline}, paired differences from"
    return {
        first: [
            row_chart(f"{group}: {of} {first}, intervals of 95 %", rows, "difference", percent=share)
            for group, rows in compared[first].items()
        ]
        for first in baselines
    }


def concept_chart(first: str, second: str, changes: Sequence[ConceptChange]) -> RowChart | None:
    """Return the concepts that gain and lose most between two arms; ``None`` where none does."""
    gains = [change for change in changes if change.change > 0][:MOST_CONCEPTS]
    losses = [change for change in changes if change.change < 0][-MOST_CONCEPTS:]
    if not gains and not losses:
        return None
    rows = [
        Row(change.thing, change.change, change.change, change.change, f"n {change.pairs}")
        for change in (*gains, *losses)
    ]
    up, down = (sum(sign * change.change > 0 for change in changes) for sign in (1, -1))
    same = len(changes) - up - down
    title = f"{second} less {first}: {up} concepts are seen more often, {down} less often, {same} as often"
    return row_chart(title, rows, "change of presence", percent=True, bars=True)


def reliability_chart(name: str, report: CriticReport) -> Chart | None:
    """Return the reliability diagram of a critic; ``None`` where nothing is known of it."""
    if not report.bins:
        return None
    points = [Point(one.score, one.seen.mean, one.seen.low, one.seen.high) for one in report.bins]
    title = (
        f"{name or 'critic'}: how often the evaluator sees what the critic scores so, in {len(points)} bins of about "
        "equal mass, intervals of 95 %; on the diagonal a score is a probability"
    )
    return point_chart(title, points, ("score of the critic", "seen by the evaluator"), percent=True, diagonal=True)
