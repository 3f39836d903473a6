"""The values of a run, by metric, arm and group of prompts, in a form that arms can be paired in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

from imagerag.errors import UserError
from imagerag.evaluation.metric_meaning import can_judge, rank_of, sees_concepts
from imagerag.evaluation.records import Drawing, SuitePrompt
from imagerag.evaluation.run_folder import Key, Run

COSTS: Mapping[str, Callable[[Drawing], float | None]] = {
    "generations": lambda drawing: drawing.generations,
    "steps": lambda drawing: drawing.steps,
    "calls": lambda drawing: drawing.calls,
    "tokens": lambda drawing: drawing.tokens,
    "money": lambda drawing: drawing.money,
    "seconds": lambda drawing: drawing.seconds,
}
"""What drawings cost; known without measuring, of those that failed, too."""

ValueKey = tuple[str, int, str]
"""Prompt, seed, and the text of a concept; "" where the value is of the whole drawing."""
Values = dict[ValueKey, float]


class Group(NamedTuple):
    """Part of the values that is reported by itself.

    Attributes:
        of: all prompts, those of a stratum or of a form within it, or the concepts of a kind.
        name: of the stratum or the kind, or of stratum and form; "" for all.
    """

    of: Literal["all", "stratum", "form", "kind"]
    name: str = ""

    def __str__(self) -> str:
        """Return it in words."""
        return {"all": "all prompts", "kind": f"concepts: {self.name}"}.get(self.of, self.name)


ALL = Group("all")


def headline_of(run: Run) -> str:
    """Return the metric that a report is about: the evaluator, or else the first one that was measured.

    Raises:
        UserError: nothing was measured.
    """
    metrics = metrics_of(run)
    if not metrics:
        raise UserError(f"{str(run.folder)!r} has drawings, but no measurements; let imagerag eval finish it")
    return metrics[0]


def metrics_of(run: Run) -> tuple[str, ...]:
    """Return the metrics that were measured, in the order of a report."""
    return tuple(sorted((metric for metric, arms in run.measured.items() if any(arms.values())), key=rank_of))


def evaluator_of(run: Run) -> str:
    """Return the metric that tells which concepts are there; "" where none was measured."""
    return next((metric for metric in metrics_of(run) if sees_concepts(metric)), "")


def groups_of(run: Run, metric: str) -> list[Group]:
    """Return the groups that a metric may have values in: all; in the suite's order strata, forms and kinds."""
    found = [*map(_stratum, run.suite.prompts), *map(_form, run.suite.prompts)]
    groups = [ALL, *dict.fromkeys(group for group in found if group.name)]
    if any(entry.parts for arm in run.measured.get(metric, {}).values() for entry in arm.values()):
        groups += [Group("kind", name) for name in dict.fromkeys(one.kind for one in run.concepts.values())]
    return groups


def values_of(run: Run, metric: str, arm: str, group: Group = ALL) -> Values:
    """Return what a metric says of an arm's drawings, or of the concepts in them.

    A drawing that ended with an error shows nothing, so that none of its concepts is present; leaving it out would
    reward an arm for failing where prompts are hard. Other metrics have no value for it.

    Args:
        run: that was made.
        metric: measured, or one of ``COSTS``.
        arm: by name.
        group: whose values are meant.
    """
    if metric in COSTS:
        cost = COSTS[metric]
        entries = {key: cost(drawing) for key, drawing in run.drawings.get(arm, {}).items()}
        return {(*key, ""): value for key, value in entries.items() if value is not None and _in(run, key, group)}
    found: Values = {}
    for key, entry in run.measured.get(metric, {}).get(arm, {}).items():
        if group.of == "kind":
            for text, value in entry.parts.items():
                concept = run.concepts.get((key.prompt, text))
                if concept is not None and concept.kind == group.name:
                    found[(*key, text)] = value
        elif entry.value is not None and _in(run, key, group):
            found[(*key, "")] = entry.value
    if sees_concepts(metric):
        found.update(_of_failed(run, metric, arm, group))
    return found


def _stratum(prompt: SuitePrompt) -> Group:
    return Group("stratum", prompt.stratum)


def _form(prompt: SuitePrompt) -> Group:
    return Group("form", f"{prompt.stratum}: {prompt.form}" if prompt.form else "")


def _in(run: Run, key: Key, group: Group) -> bool:
    prompt = run.prompts[key.prompt]
    return group in (ALL, _stratum(prompt), _form(prompt))


def _of_failed(run: Run, metric: str, arm: str, group: Group) -> Values:
    """Return 0 for what failed, but of prompts that the metric says nothing of whatever is drawn."""
    entries = (item for of_arm in run.measured[metric].values() for item in of_arm.items())
    unknown = {key.prompt for key, entry in entries if entry.value is None} if group.of != "kind" else set()
    found: Values = {}
    for key in failed_of(run, arm):
        concepts = run.prompts[key.prompt].concepts
        judged = [one for one in concepts if can_judge(metric, one)]
        if key.prompt in unknown:
            continue
        if group.of == "kind":
            found.update({(*key, one.text): 0.0 for one in judged if one.kind == group.name})
        elif len(judged) < len(concepts):
            continue
        elif _in(run, key, group):
            found[(*key, "")] = 0.0
    return found


def failed_of(run: Run, arm: str) -> list[Key]:
    """Return what an arm has no image of, though it tried."""
    return [key for key, drawing in run.drawings.get(arm, {}).items() if not drawing.image]


class Paired(NamedTuple):
    """Values of two arms on the same prompts, seeds and concepts.

    Attributes:
        keys: in the order of the first arm's.
        first, second: the values, one for each key.
    """

    keys: Sequence[ValueKey]
    first: list[float]
    second: list[float]

    @property
    def prompts(self) -> list[str]:
        """The prompt of each pair."""
        return [key[0] for key in self.keys]


def paired(first: Values, second: Values) -> Paired:
    """Return the values that are there of both."""
    keys = [key for key in first if key in second]
    return Paired(keys, [first[key] for key in keys], [second[key] for key in keys])
