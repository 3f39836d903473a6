"""The figures of a run that a page shows: arms, what was wanted of them, the retrieval set's size, ablations; as JSON.

They are numbers alone, so that they can be kept and shown again without the run; ``figure_pages`` puts them into words
and plots.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal, NamedTuple

from imagerag.evaluation.arms import DEFAULT_ARMS
from imagerag.evaluation.critic_report import estimate_as_json
from imagerag.evaluation.metric_meaning import WRONG_REFERENCES, bounds_of, sees_concepts
from imagerag.evaluation.run_folder import Run
from imagerag.evaluation.scores import ALL, COSTS, Group, groups_of, headline_of, paired, values_of
from imagerag.evaluation.series import Series, series_of
from imagerag.evaluation.statistics import mean_of, paired_difference

AGENT, BASE, ONE_PASS, BEST_OF_N, RANDOM = "agent", "base", "one-pass", "best-of-n", "random-references"
OF_SIZES = "retrieval_size"
ABLATION = "without-"
"""How the names of arms begin that lack one part of the loop."""
ADDED = ("lookup-diverse", "lookup-rerank")
"""Arms with a part that the loop has only where it is asked for, shown beside those."""

Section = Literal["arms", "sizes", "ablations"]
SECTIONS: tuple[Section, ...] = ("arms", "sizes", "ablations")
Figures = dict[str, Any]
"""Of one run, by section; a section that it has no arms for is not there."""


class Wanted(NamedTuple):
    """What is wanted of the suite ``pictograms``.

    Attributes:
        second, first: arms whose paired difference it is about, the second less the first.
        stratum: of the prompts; "" for all.
        points: that the difference, or the low end of its interval, has to be at least.
        of: which of the two; ``both``: the difference reaches the points, and its interval lies above 0.
        pairs: of prompt and seed that it takes.
    """

    second: str
    first: str
    stratum: str
    points: float
    of: Literal["difference", "low", "both"]
    pairs: int = 1


WANTED = (
    Wanted(AGENT, ONE_PASS, "lacking", 10, "both"),
    Wanted(AGENT, BEST_OF_N, "lacking", 10, "both"),
    Wanted(AGENT, BASE, "known", -1, "low", 800),
    Wanted(ONE_PASS, BASE, "known", -1, "low", 800),
    Wanted("blind-lookup", BASE, "known", -1, "low", 800),
    Wanted(RANDOM, BASE, "", -1, "difference"),
    Wanted(RANDOM, BASE, "known", -1, "difference"),
    Wanted(RANDOM, BASE, "lacking", -1, "difference"),
)
BESIDE = (ONE_PASS, "blind-lookup")
"""Arms that are shown beside the agent, and of which nothing is wanted."""


def figures_of(run: Run) -> Figures:
    """Return the figures of a run as it stands.

    Raises:
        UserError: nothing was measured.
    """
    metric = headline_of(run)
    groups = shown_groups(run, metric)
    drawn = [name for name in run.arms if run.drawings.get(name)]
    found: Figures = {}
    of_arms = [name for name in drawn if not name.startswith(ABLATION) and not _is_of_sizes(run, name)]
    if of_arms:
        found["arms"] = {
            **_about(run, metric, groups, of_arms),
            "rows": [_arm(run, metric, groups, name) for name in of_arms],
            "wanted": _wanted(run, metric),
        }
    if sizes := _sizes(run, drawn):
        names = [arm.name for _, arm in sizes.arms]
        found["sizes"] = {**_about(run, metric, groups, names), **_of_sizes(run, metric, groups, sizes)}
    without = [name for name in drawn if name.startswith(ABLATION) or name in ADDED]
    if AGENT in drawn and without:
        found["ablations"] = {
            **_about(run, metric, groups, [AGENT, *without]),
            "rows": [_ablation(run, metric, groups, name) for name in without],
        }
    return found


def breadth(section: Section, figures: Figures) -> int:
    """Return how many arms a section shows; of ``arms``, those that are run by default."""
    arms = figures[section]["arms"]
    return sum(name in arms for name in DEFAULT_ARMS) if section == "arms" else len(arms)


def shown_groups(run: Run, metric: str) -> list[Group]:
    """Return the strata that a metric has values in, in the suite's order; all prompts where some have no stratum."""
    strata = [group for group in groups_of(run, metric) if group.of == "stratum"]
    told = [group for group in strata if any(values_of(run, metric, name, group) for name in run.arms)]
    return told if all(prompt.stratum for prompt in run.suite.prompts) and told else [ALL]


def _about(run: Run, metric: str, groups: Sequence[Group], arms: Sequence[str]) -> dict[str, Any]:
    """Return what a reader has to know of the drawings of some arms."""
    there = {name: run.drawings.get(name, {}) for name in arms}
    every = {key for drawings in there.values() for key in drawings}
    of_groups = {group: {key for key in every if _is_in(run, key.prompt, group)} for group in groups}
    fewer = [
        {"arm": name, "group": group.name, "drawings": len(keys & drawings.keys()), "of": len(keys)}
        for group, keys in of_groups.items()
        for name, drawings in there.items()
        if len(keys & drawings.keys()) < len(keys)
    ]
    measured = run.measured[metric]
    images = [(name, key) for name, drawings in there.items() for key, one in drawings.items() if one.image]
    return {
        "suite": run.suite.name,
        "half": " and ".join(sorted({run.prompts[key.prompt].split for key in every} - {""})),
        "metric": metric,
        "prompts": {group.name: len({key.prompt for key in keys}) for group, keys in of_groups.items()},
        "seeds": {group.name: len({key.seed for key in keys}) for group, keys in of_groups.items()},
        "arms": list(arms),
        "fewer": fewer,
        "unmeasured": sum(key not in measured.get(name, {}) for name, key in images),
        "failed": sum(not one.image for drawings in there.values() for one in drawings.values()),
        "versions": dict(run.file.versions),
    }


def _is_in(run: Run, prompt: str, group: Group) -> bool:
    return group == ALL or run.prompts[prompt].stratum == group.name


def _is_of_sizes(run: Run, name: str) -> bool:
    return any(OF_SIZES in arm.settings for arm in run.file.arms if arm.name == name)


def _scores(run: Run, metric: str, groups: Sequence[Group], name: str) -> dict[str, Any]:
    """Return the means of an arm by group; a group without a value is not there."""
    found = {}
    for group in groups:
        if values := values_of(run, metric, name, group):
            prompts = [key[0] for key in values]
            estimate = mean_of(list(values.values()), prompts, bounds=bounds_of(metric))
            found[group.name] = estimate_as_json(estimate)
    return found


def _arm(run: Run, metric: str, groups: Sequence[Group], name: str) -> dict[str, Any]:
    costs: dict[str, float | None] = {}
    for cost in COSTS:
        values = values_of(run, cost, name)
        costs[cost] = sum(values.values()) / len(values) if values else None
    return {"name": name, "scores": _scores(run, metric, groups, name), **costs}


def _difference(run: Run, metric: str, first: str, second: str, group: Group) -> dict[str, Any] | None:
    """Return a paired difference, the second arm less the first; ``None`` where there is no pair."""
    pairs = paired(*(values_of(run, metric, arm, group) for arm in (first, second)))
    if not pairs.keys:
        return None
    found = paired_difference(pairs.first, pairs.second, pairs.prompts, bounds=bounds_of(metric))
    ends = {"wins": found.wins, "losses": found.losses, "ties": found.ties}
    return {**estimate_as_json(found), **ends}


def _wanted(run: Run, metric: str) -> list[dict[str, Any]]:
    """Return what was measured of what is wanted of ``pictograms``; none of other suites, of which nothing is."""
    if run.suite.name != "pictograms" or not sees_concepts(metric):
        return []
    rows = []
    for one in WANTED:
        group = Group("stratum", one.stratum) if one.stratum else ALL
        found = None
        if run.drawings.get(one.first) and run.drawings.get(one.second):
            found = _difference(run, metric, one.first, one.second, group)
        if found is not None:
            rows.append({**one._asdict(), **found, "holds": None if one.second in BESIDE else holds(one, found)})
    return rows


def holds(wanted: Wanted, found: dict[str, Any]) -> str:
    """Return whether what was measured is what is wanted: "yes", "no", or that it takes more pairs to tell."""
    low = found["interval"][0] if found["interval"] else found["mean"]
    value = low if wanted.of == "low" else found["mean"]
    if found["count"] < wanted.pairs:
        return f"too few pairs: {wanted.pairs:,} are wanted"
    return "yes" if 100 * value >= wanted.points - 1e-9 and (wanted.of != "both" or low > 0) else "no"


def _sizes(run: Run, drawn: Sequence[str]) -> Series[Any] | None:
    arms = [arm for arm in run.file.arms if arm.name in drawn]
    return next((series for series in series_of(arms) if series.key == OF_SIZES), None)


def _of_sizes(run: Run, metric: str, groups: Sequence[Group], sizes: Series[Any]) -> dict[str, Any]:
    """Return the scores by size, and the paired difference of each size from the one before."""
    steps = []
    for (_, one), (_, other) in pairwise(sizes.arms):
        found = {group.name: _difference(run, metric, one.name, other.name, group) for group in groups}
        steps.append({name: row for name, row in found.items() if row is not None})
    return {
        "sizes": [name for name, _ in sizes.arms],
        "rows": [{"name": arm.name, "scores": _scores(run, metric, groups, arm.name)} for _, arm in sizes.arms],
        "steps": steps,
    }


def _ablation(run: Run, metric: str, groups: Sequence[Group], name: str) -> dict[str, Any]:
    """Return what the part of the loop that an arm lacks is worth: the agent less that arm."""
    of_arm, of_agent = run.drawings[name], run.drawings[AGENT]
    pairs = [key for key in of_arm if key in of_agent]
    effects = {group.name: _difference(run, metric, name, AGENT, group) for group in groups}
    return {
        "name": name,
        "about": next(arm.about for arm in run.file.arms if arm.name == name),
        "pairs": len(pairs),
        "other_images": sum(of_arm[key].image != of_agent[key].image for key in pairs),
        "effects": {group: row for group, row in effects.items() if row is not None},
        "costs": {cost: _difference(run, cost, name, AGENT, ALL) for cost in ("generations", "steps")},
        "wrong": _wrong_references(run, name),
        "wrong_of_agent": _wrong_references(run, AGENT),
    }


def _wrong_references(run: Run, name: str) -> int | None:
    """Return in how many of an arm's drawings a reference shows something else; ``None`` where it was not measured."""
    measured = run.measured.get(WRONG_REFERENCES)
    if measured is None:
        return None
    return sum((entry.value or 0.0) > 0 for entry in measured.get(name, {}).values())
