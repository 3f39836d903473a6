"""Paired differences between arms, of one run or of two: on the same suite, prompt and seed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imagerag.errors import UserError
from imagerag.evaluation.metric_meaning import bounds_of
from imagerag.evaluation.run_folder import Run, counted, read_run
from imagerag.evaluation.scores import ALL, COSTS, Group, groups_of, metrics_of, paired, values_of
from imagerag.evaluation.statistics import Difference, paired_difference

NAMED = 5
"""Names of prompts or arms that a note lists, before it says how many more there are."""


@dataclass(frozen=True)
class Compared:
    """One paired difference.

    Attributes:
        first, second: the arms; of two runs, with the folder in front of the name.
        metric: that is compared.
        group: of prompts or concepts.
        difference: the second less the first.
    """

    first: str
    second: str
    metric: str
    group: Group
    difference: Difference

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object; what is unknown is null."""
        found = self.difference
        return {
            "first": self.first,
            "second": self.second,
            "metric": self.metric,
            "group": self.group.of,
            "name": self.group.name,
            "difference": found.mean,
            "interval": interval(found.low, found.high),
            "pairs": found.count,
            "prompts": found.prompts,
            "wins": found.wins,
            "losses": found.losses,
            "ties": found.ties,
            "prompts_needed": found.needed,
            "smallest_visible": None if math.isnan(found.visible) else found.visible,
        }


@dataclass(frozen=True)
class Comparison:
    """All differences of one comparison.

    Attributes:
        rows: the differences.
        notes: what could not be compared, and what else differs.
    """

    rows: tuple[Compared, ...]
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {"differences": [row.as_json() for row in self.rows], "notes": list(self.notes)}


def interval(low: float, high: float) -> list[float] | None:
    """Return an interval as JSON has it; ``None`` where it is not known."""
    return None if math.isnan(low) else [low, high]


def compare_runs(first: Path, second: Path, arms: Sequence[tuple[str, str]] = ()) -> Comparison:
    """Compare what two runs measured on the same prompts and seeds.

    Args:
        first, second: folders of runs; the same one to compare arms of one run.
        arms: pairs of arms, one of each run. Those of the same name unless given; where each run has one arm alone,
            these two.

    Raises:
        UserError: a folder is no run, an arm is not there, the suites differ, or nothing was measured in both.
    """
    a = read_run(first)
    b = a if first.resolve() == second.resolve() else read_run(second)
    notes = [f"{run.folder}: {note}" for run in dict.fromkeys((a, b)) for note in run.notes]
    if a.suite.name != b.suite.name:
        raise UserError(
            f"{str(first)!r} is of the suite {a.suite.name!r} and {str(second)!r} of {b.suite.name!r}; "
            "compare runs of one suite"
        )
    pairs = [_checked(a, b, pair) for pair in arms] or _pairs(a, b, notes)
    metrics = [metric for metric in metrics_of(a) if metric in metrics_of(b)]
    lacking = sorted({*metrics_of(a), *metrics_of(b)} - {*metrics})
    if lacking:
        notes.append(f"measured in one of the runs alone, thus not compared: {some(lacking)}")
    if not metrics:
        raise UserError(f"{str(first)!r} and {str(second)!r} were not measured by the same metric; measure both by one")
    notes += _differing(a, b, pairs)
    usable = _same_prompts(a, b, notes)
    rows: list[Compared] = []
    for pair in pairs:
        notes += _unpaired(a, b, pair, usable)
        for metric in (*metrics, *COSTS):
            rows += differences(a, b, pair, metric, usable)
    if not any(row.metric in metrics for row in rows):
        raise UserError(
            f"{str(first)!r} and {str(second)!r} have no measured prompt and seed in common; "
            "draw the same ones: imagerag eval --suite, --limit and --seed say which"
        )
    return Comparison(tuple(rows), tuple(dict.fromkeys(notes)))


def differences(a: Run, b: Run, arms: tuple[str, str], metric: str, prompts: set[str] | None = None) -> list[Compared]:
    """Return the differences of one metric between two arms, of all prompts and of each group that has any.

    Args:
        a, b: runs of the arms; may be the same.
        arms: the first of ``a``, the second of ``b``.
        metric: measured, or a cost, which is compared over all prompts alone.
        prompts: that may be compared; all if ``None``.
    """
    names = arms if a is b else (f"{a.folder}: {arms[0]}", f"{b.folder}: {arms[1]}")
    rows = []
    for group in [ALL] if metric in COSTS else groups_of(a, metric):
        pairs = paired(values_of(a, metric, arms[0], group), values_of(b, metric, arms[1], group))
        kept = [at for at, key in enumerate(pairs.keys) if prompts is None or key[0] in prompts]
        if not kept:
            continue
        found = paired_difference(
            [pairs.first[at] for at in kept],
            [pairs.second[at] for at in kept],
            [pairs.keys[at][0] for at in kept],
            bounds=bounds_of(metric),
        )
        rows.append(Compared(*names, metric, group, found))
    return rows


def some(names: Sequence[str]) -> str:
    """Return names in a line: the first few, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _checked(a: Run, b: Run, pair: tuple[str, str]) -> tuple[str, str]:
    for run, name in zip((a, b), pair, strict=True):
        if name not in run.arms:
            raise UserError(f"{str(run.folder)!r} has no arm {name!r}; it has: {', '.join(run.arms)}")
    return pair


def _pairs(a: Run, b: Run, notes: list[str]) -> list[tuple[str, str]]:
    if a is b:
        first, *others = a.arms
        if not others:
            raise UserError(f"{str(a.folder)!r} has one arm, {first!r}; give a second run to compare it with")
        return [(first, other) for other in others]
    if len(a.arms) == len(b.arms) == 1:
        return [(a.arms[0], b.arms[0])]
    shared = [name for name in a.arms if name in b.arms]
    for run, other in ((a, b), (b, a)):
        if alone := [name for name in run.arms if name not in other.arms]:
            notes.append(f"arms that {run.folder} alone has, thus not compared: {some(alone)}")
    if not shared:
        raise UserError(
            f"the runs have no arm of the same name ({', '.join(a.arms)}; {', '.join(b.arms)}); say which to compare: "
            f"--arm {a.arms[0]}={b.arms[0]}"
        )
    return [(name, name) for name in shared]


def _differing(a: Run, b: Run, pairs: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Yield what else is not the same in two runs, besides what is compared."""
    if a is b:
        return
    for name in sorted({*a.file.versions, *b.file.versions}):
        versions = [run.file.versions.get(name, "none") for run in (a, b)]
        if versions[0] != versions[1]:
            yield f"made with another {name}: {', '.join(versions)}"
    for name in sorted({*a.file.judges, *b.file.judges}):
        judges = [run.file.judges.get(name, "an earlier one") for run in (a, b)]
        if judges[0] != judges[1]:
            yield f"{name} is by another judge in each, so that it doesn't compare: {', '.join(judges)}"
    of_a = {arm.name: {**a.file.settings, **arm.settings} for arm in a.file.arms}
    of_b = {arm.name: {**b.file.settings, **arm.settings} for arm in b.file.arms}
    for first, second in pairs:
        one, other = of_a[first], of_b[second]
        for key in sorted({*one, *other}):
            if one.get(key) != other.get(key):
                values = " and ".join(repr(values.get(key, "default")) for values in (one, other))
                yield f"{first} and {second} differ in {key}: {values}"


def _same_prompts(a: Run, b: Run, notes: list[str]) -> set[str]:
    """Return the prompts that are the same in both, and tell of the others."""
    both = [name for name in a.prompts if name in b.prompts]
    changed = [name for name in both if _asked(a, name) != _asked(b, name)]
    for run, other in ((a, b), (b, a)):
        if alone := [name for name in run.prompts if name not in other.prompts]:
            told = f"{counted(len(alone), 'prompt')} that {run.folder} alone has, thus not compared: {some(alone)}"
            notes.append(told)
    if changed:
        told = counted(len(changed), "prompt")
        notes.append(f"{told} of other words or concepts in each run, thus not compared: {some(changed)}")
    return set(both) - set(changed)


def _asked(run: Run, name: str) -> object:
    prompt = run.prompts[name]
    return prompt.text, prompt.concepts


def _unpaired(a: Run, b: Run, pair: tuple[str, str], usable: set[str]) -> Iterator[str]:
    """Yield the drawings of the shared prompts that only one of two arms has."""
    of_a, of_b = a.drawings.get(pair[0], {}), b.drawings.get(pair[1], {})
    for run, arm, mine, others in ((a, pair[0], of_a, of_b), (b, pair[1], of_b, of_a)):
        if alone := [f"{key.prompt} (seed {key.seed})" for key in mine if key not in others and key.prompt in usable]:
            told = counted(len(alone), "drawing")
            yield f"{told} that {run.folder}: {arm} alone has, thus not compared: {some(alone)}"
