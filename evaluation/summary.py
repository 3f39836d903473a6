"""A run in figures: means of every arm, paired differences, wins and losses by concept, the critic, people's labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from imagerag.errors import UserError
from imagerag.evaluation.compare import Compared, differences, some
from imagerag.evaluation.critic_report import CriticReport, critics_of, estimate_as_json, judge_critic
from imagerag.evaluation.labels import Label
from imagerag.evaluation.metric_meaning import bounds_of
from imagerag.evaluation.preferences import Preferences, preferences_of
from imagerag.evaluation.run_folder import Run, counted
from imagerag.evaluation.scores import (
    ALL,
    COSTS,
    Group,
    evaluator_of,
    failed_of,
    groups_of,
    headline_of,
    metrics_of,
    paired,
    values_of,
)
from imagerag.evaluation.statistics import Estimate, mean_of
from imagerag.told_text import told_text

EACH_WITH_EACH = 8
"""Arms up to which each is compared with each; of more, each with the baselines."""
BASELINES = ("base", "best-of-n", "one-pass", "agent")


@dataclass(frozen=True)
class ArmSummary:
    """The figures of one arm.

    Attributes:
        prompts: with a drawing.
        drawings: of these, over all seeds.
        failed: of them, those that ended with an error.
        first_error: of those; "" without any.
        scores: by metric and group.
        costs: means of each drawing, by what they are of; of money only where prices are known.
    """

    name: str
    about: str
    settings: dict[str, object]
    prompts: int
    drawings: int
    failed: int
    first_error: str
    scores: dict[str, dict[Group, Estimate]]
    costs: dict[str, Estimate]


@dataclass(frozen=True)
class ConceptChange:
    """A concept with the mean change of its presence from one arm to another.

    Attributes:
        thing: the concept, or what its count, colour or place is about.
        change: -1..1.
        pairs: drawings that it was judged in, of each arm.
    """

    thing: str
    change: float
    pairs: int


@dataclass(frozen=True)
class Summary:
    """What a report shows.

    Attributes:
        run: that it is of.
        headline: the metric that it is about.
        metrics: that were measured.
        arms: that have drawings.
        compared: differences of the headline metric by group, and of the other metrics and the costs overall.
        changes: of concepts, from the first arm to each other one, by its name.
        critics: by the name that arms set; "" is the profile's.
        preferences: of people; ``None`` without labels.
        notes: what was skipped or is lacking.
    """

    run: Run
    headline: str
    metrics: tuple[str, ...]
    arms: tuple[ArmSummary, ...]
    compared: tuple[Compared, ...]
    changes: dict[str, tuple[ConceptChange, ...]]
    critics: dict[str, CriticReport]
    preferences: Preferences | None
    notes: tuple[str, ...]

    def arm(self, name: str) -> ArmSummary:
        """Return an arm by its name."""
        return next(arm for arm in self.arms if arm.name == name)

    def as_json(self) -> dict[str, Any]:
        """Return it as the JSON object of ``summary.json``; what is unknown is null."""
        suite = self.run.suite
        return {
            "suite": suite.name,
            "licence": suite.licence,
            "source": suite.source,
            "splits": sorted({prompt.split for prompt in suite.prompts if prompt.split}),
            "seeds": list(self.run.file.seeds),
            "versions": dict(self.run.file.versions),
            "headline": self.headline,
            "evaluator": evaluator_of(self.run),
            "arms": [self._arm_as_json(arm) for arm in self.arms],
            "differences": [row.as_json() for row in self.compared],
            "concepts": {arm: [vars(change) for change in changes] for arm, changes in self.changes.items()},
            "critics": {name: report.as_json() for name, report in self.critics.items()},
            "labels": self.preferences.as_json() if self.preferences else None,
            "notes": [told_text(note) for note in (*suite.notes, *self.notes)],
        }

    def _arm_as_json(self, arm: ArmSummary) -> dict[str, Any]:
        presence = arm.scores.get(evaluator_of(self.run), {}).get(ALL)
        shown = estimate_as_json(presence) if presence else {"mean": None, "interval": None}
        return {
            "name": arm.name,
            "about": arm.about,
            "settings": arm.settings,
            "prompts": arm.prompts,
            "drawings": arm.drawings,
            "failed": arm.failed,
            "presence": shown["mean"],
            "interval": shown["interval"],
            **{name: arm.costs[name].mean if name in arm.costs else None for name in COSTS},
            "metrics": {
                metric: estimate_as_json(groups[ALL]) for metric, groups in arm.scores.items() if ALL in groups
            },
            **{
                plural: {
                    metric: {group.name: estimate_as_json(found) for group, found in groups.items() if group.of == of}
                    for metric, groups in arm.scores.items()
                }
                for plural, of in (("strata", "stratum"), ("forms", "form"), ("kinds", "kind"))
            },
        }


def summarise(run: Run, labels: Sequence[Label] = (), notes_of_labels: Sequence[str] = ()) -> Summary:
    """Return the figures of a run as it stands.

    Args:
        run: that was read.
        labels: of its images.
        notes_of_labels: what of them could not be read.

    Raises:
        UserError: nothing was drawn, or nothing measured.
    """
    if not any(run.drawings.values()):
        raise UserError(f"{str(run.folder)!r} has no drawings yet; let imagerag eval go on with it")
    headline, metrics = headline_of(run), metrics_of(run)
    arms = tuple(_arm(run, name, metrics) for name in run.arms if run.drawings.get(name))
    notes = [*run.notes, *notes_of_labels, *_notes(run, arms, metrics)]
    names = [arm.name for arm in arms]
    compared: list[Compared] = []
    for first, second in pairs_of_arms(names):
        for metric in (*metrics, *COSTS):
            rows = differences(run, run, (first, second), metric)
            compared += rows if metric == headline else [row for row in rows if row.group == ALL]
    if len(names) > EACH_WITH_EACH:
        notes.append(
            f"of {len(names)} arms, each is compared with {some(baselines_of(names))} alone; others: "
            f"imagerag eval compare {run.folder} --arm ONE=OTHER"
        )
    return Summary(
        run=run,
        headline=headline,
        metrics=metrics,
        arms=arms,
        compared=tuple(compared),
        changes={name: changes for name in names[1:] if (changes := concept_changes(run, names[0], name))},
        critics={critic: judge_critic(run, labels, of_critic) for critic, of_critic in critics_of(run).items()},
        preferences=preferences_of(run, labels) if labels else None,
        notes=tuple(notes),
    )


def baselines_of(names: Sequence[str]) -> list[str]:
    """Return the arms that many others are compared with: those of ``BASELINES``, or the first one."""
    return [name for name in names if name in BASELINES] or [*names[:1]]


def pairs_of_arms(names: Sequence[str]) -> list[tuple[str, str]]:
    """Return which arms are compared, the earlier one of two first: each with each, or of many with the baselines."""
    few, baselines = len(names) <= EACH_WITH_EACH, baselines_of(names)
    pairs = [(first, second) for at, second in enumerate(names) for first in names[:at]]
    kept = [pair for pair in pairs if few or pair[0] in baselines]
    if not few:  # what comes before a baseline
        kept += [(second, first) for first, second in pairs if second in baselines and first not in baselines]
    return kept


def _arm(run: Run, name: str, metrics: Sequence[str]) -> ArmSummary:
    arm = next(arm for arm in run.file.arms if arm.name == name)
    drawings, failed = run.drawings[name], failed_of(run, name)
    return ArmSummary(
        name=name,
        about=arm.about,
        settings=arm.settings,
        prompts=len({key.prompt for key in drawings}),
        drawings=len(drawings),
        failed=len(failed),
        first_error=drawings[failed[0]].error if failed else "",
        scores={metric: _estimates(run, metric, name, groups_of(run, metric)) for metric in metrics},
        costs={cost: found[ALL] for cost in COSTS if (found := _estimates(run, cost, name, [ALL]))},
    )


def _estimates(run: Run, metric: str, arm: str, groups: Sequence[Group]) -> dict[Group, Estimate]:
    found = {}
    for group in groups:
        values = values_of(run, metric, arm, group)
        if values:
            prompts = [key[0] for key in values]
            found[group] = mean_of(list(values.values()), prompts, bounds=bounds_of(metric))
    return found


def _notes(run: Run, arms: Sequence[ArmSummary], metrics: Sequence[str]) -> list[str]:
    notes = []
    planned = len(run.suite.prompts) * max(1, len(run.file.seeds))
    for arm in arms:
        if arm.drawings < planned:
            notes.append(f"{arm.name}: {arm.drawings} of {planned} drawings are there")
        if arm.failed:
            rule = ", which counts as showing nothing" if evaluator_of(run) else ""
            notes.append(f"{arm.name}: {counted(arm.failed, 'drawing')} failed{rule}; the first: {arm.first_error}")
        for metric in metrics:
            have = run.measured[metric].get(arm.name, {})
            lacking = [key for key, one in run.drawings[arm.name].items() if one.image and key not in have]
            if lacking:
                notes.append(f"{arm.name}: {counted(len(lacking), 'image')} not measured by {metric} yet")
    notes += _without_value(run, metrics[0])
    return [*(f"{name}: nothing is drawn yet" for name in run.arms if name not in {arm.name for arm in arms}), *notes]


def _without_value(run: Run, metric: str) -> list[str]:
    """Return a note of what the headline metric says nothing of, such as concepts that an evaluator doesn't know."""
    entries = [(key, entry.value) for arm in run.measured[metric].values() for key, entry in arm.items()]
    unknown = {key.prompt for key, value in entries if value is None}
    if not unknown:
        return []
    count = sum(value is None for _, value in entries)
    strata = dict.fromkeys(run.prompts[name].stratum for name in run.prompts if name in unknown)
    of = f", of {some([*filter(None, strata)])}" if any(strata) else ""
    return [f"{metric} says nothing of {counted(count, 'image')} of {counted(len(unknown), 'prompt')}{of}"]


def concept_changes(run: Run, first: str, second: str) -> tuple[ConceptChange, ...]:
    """Return how the presence of each thing changes from one arm to another, the greatest gain first."""
    evaluator = evaluator_of(run)
    things: dict[str, list[float]] = {}
    for kind in dict.fromkeys(concept.kind for concept in run.concepts.values()):
        group = Group("kind", kind)
        pairs = paired(values_of(run, evaluator, first, group), values_of(run, evaluator, second, group))
        for key, one, other in zip(pairs.keys, pairs.first, pairs.second, strict=True):
            concept = run.concepts[key[0], key[2]]
            things.setdefault(concept.thing or concept.text, []).append(other - one)
    changes = [ConceptChange(thing, float(np.mean(values)), len(values)) for thing, values in things.items()]
    return tuple(sorted(changes, key=lambda change: (-change.change, change.thing)))
