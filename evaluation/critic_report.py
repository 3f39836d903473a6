"""The critic under evaluation: are its scores probabilities, and does it agree with the evaluator and with people?

The critic steers the loop, so that what it sees says nothing of whether the loop helps. The evaluator and people judge
the images that came out of it, and the critic's verdicts of these images are compared with theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagerag.evaluation.labels import Label
from imagerag.evaluation.run_folder import Key, Run
from imagerag.evaluation.scores import evaluator_of
from imagerag.evaluation.statistics import LEVEL, Estimate, Floats, bca_interval, mean_of, numbered, resampling

BINS = 15
"""At most; as ``imagerag.embedders.calibration.calibration_error`` has them, which parts equal scores."""
HALF = 0.5
"""Probability from which on a concept counts as present, of the critic and of an evaluator that gives one."""


@dataclass(frozen=True)
class Bin:
    """Judgements of about the same score.

    Attributes:
        score: mean of the critic's, 0..1.
        seen: how often the evaluator sees what is asked about, with the interval.
    """

    score: float
    seen: Estimate


@dataclass(frozen=True)
class CriticReport:
    """What is known of the critic from one run.

    Attributes:
        bins: of the reliability diagram; none where nothing matches.
        error: expected calibration error, 0..1.
        plain_error: the same of the arms that drew one image of each prompt. What a loop returns was chosen by the
            critic, which makes the critic look surer there than it is.
        agreement: share of the judgements in which critic and evaluator agree that a concept is there, or is not.
        kappa: Cohen's, of the same: agreement beyond chance, 1 at most.
        false_present: share of the concepts the evaluator doesn't see that the critic calls present.
        false_absent: share of those it sees that the critic calls absent.
        people: share of a person's preferences that the critic's scores share; ``None`` without labels.
        evaluator_people: the same of the evaluator.
        notes: what could not be compared.
    """

    bins: tuple[Bin, ...] = ()
    error: Estimate | None = None
    plain_error: Estimate | None = None
    agreement: Estimate | None = None
    kappa: Estimate | None = None
    false_present: Estimate | None = None
    false_absent: Estimate | None = None
    people: Estimate | None = None
    evaluator_people: Estimate | None = None
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object; what is unknown is null."""
        estimates = {name: value for name, value in vars(self).items() if isinstance(value, Estimate | None)}
        return {
            **{name: estimate_as_json(value) if value else None for name, value in estimates.items()},
            "bins": [{"score": one.score, "seen": estimate_as_json(one.seen)} for one in self.bins],
            "notes": list(self.notes),
        }


def estimate_as_json(estimate: Estimate) -> dict[str, Any]:
    """Return an estimate as a JSON object."""
    known = estimate.low == estimate.low  # not nan
    return {
        "mean": estimate.mean,
        "interval": [estimate.low, estimate.high] if known else None,
        "count": estimate.count,
        "prompts": estimate.prompts,
    }


@dataclass(frozen=True)
class Judgements:
    """Judgements of critic and evaluator about the same concepts of the same images.

    Attributes:
        scores: (n,) the critic's, 0..1.
        seen: (n,) the evaluator's, 0..1.
        prompts: (n,) of each.
    """

    scores: Floats
    seen: Floats
    prompts: Sequence[str]

    @property
    def agree(self) -> Floats:
        """1 where both say the same, (n,)."""
        return np.asarray((self.scores >= HALF) == (self.seen >= HALF), np.float64)


def critics_of(run: Run) -> dict[str, list[str]]:
    """Return the arms by the critic that their settings name; "" is the one of the run's profile."""
    found: dict[str, list[str]] = {}
    for arm in run.file.arms:
        settings = {**run.file.settings, **arm.settings}
        found.setdefault(str(settings.get("critic") or ""), []).append(arm.name)
    return found


def judge_critic(run: Run, labels: Iterable[Label] = (), arms: Sequence[str] | None = None) -> CriticReport:
    """Compare the critic's verdicts of a run's returned images with the evaluator's, and with people's labels.

    Args:
        run: that an evaluator measured.
        labels: of its images.
        arms: that have this critic; all unless given.
    """
    arms = run.arms if arms is None else arms
    judgements, notes = matched(run, arms)
    plain, _ = matched(run, [arm for arm in arms if _draws_once(run, arm)])
    people = [label for label in labels if label.left in arms and label.right in arms]
    report: dict[str, Any] = {
        "people": _preferences(people, lambda arm, key: _score(run, arm, key)),
        "evaluator_people": _preferences(people, lambda arm, key: _presence(run, arm, key)),
        "notes": tuple(notes),
    }
    if not len(judgements.scores):
        return CriticReport(**report)
    seen, present = judgements.seen >= HALF, judgements.scores >= HALF
    prompts = np.array(judgements.prompts, object)
    return CriticReport(
        bins=reliability(judgements),
        error=calibration(judgements),
        plain_error=calibration(plain) if len(plain.scores) else None,
        agreement=mean_of(judgements.agree, judgements.prompts, bounds=(0, 1)),
        kappa=cohen_kappa(judgements),
        false_present=_share(present[~seen], prompts[~seen]),
        false_absent=_share(~present[seen], prompts[seen]),
        **report,
    )


def matched(run: Run, arms: Sequence[str]) -> tuple[Judgements, list[str]]:
    """Return what both critic and evaluator judged, and notes of what one of them alone did.

    Concepts are matched by their text, without regard to case, and things by their name, too. An image that several
    arms returned counts once.
    """
    evaluator = evaluator_of(run)
    scores: list[float] = []
    seen: list[float] = []
    prompts: list[str] = []
    known: set[tuple[str, str]] = set()
    alone = 0
    for arm in arms:
        measured = run.measured.get(evaluator, {}).get(arm, {})
        for key, drawing in run.drawings.get(arm, {}).items():
            entry = measured.get(key)
            if not drawing.verdict or entry is None or (key.prompt, drawing.image) in known:
                continue
            known.add((key.prompt, drawing.image))
            verdict = {text.casefold(): score for text, score in drawing.verdict.items()}
            for text, value in entry.parts.items():
                score = next((verdict[name] for name in _names(run, key, text) if name in verdict), None)
                if score is None:
                    alone += 1
                    continue
                scores.append(score)
                seen.append(value)
                prompts.append(key.prompt)
    notes = []
    if alone:
        notes.append(f"{alone} of {alone + len(scores)} concepts that the evaluator judged have no score of the critic")
    if not known:
        notes.append("no drawing has both a verdict of the critic and a measurement of the evaluator")
    return Judgements(np.array(scores), np.array(seen), prompts), notes


def _names(run: Run, key: Key, text: str) -> list[str]:
    """Return what the critic may call a concept, in small letters."""
    concept = run.concepts.get((key.prompt, text))
    thing = concept.thing if concept is not None and concept.kind == "thing" else ""
    return [name.casefold() for name in (text, thing) if name]


def _draws_once(run: Run, arm: str) -> bool:
    return all(drawing.generations <= 1 for drawing in run.drawings.get(arm, {}).values())


def bins_of(scores: Floats, bins: int = BINS) -> NDArray[np.intp]:
    """Return the bin of each score, 0.., of about the same number of scores each; equal scores are in one bin.

    M. P. Naeini, G. F. Cooper, M. Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian Binning", AAAI
    2015, for the error in bins; J. Nixon et al., "Measuring Calibration in Deep Learning", CVPR Workshops 2019, for
    those of equal mass.
    """
    ranks = np.searchsorted(np.sort(scores), scores)  # equal scores have the rank of their first
    _, found = np.unique(ranks * bins // len(scores), return_inverse=True)
    return found


def reliability(judgements: Judgements) -> tuple[Bin, ...]:
    """Return the reliability diagram.

    M. H. DeGroot, S. E. Fienberg, "The Comparison and Evaluation of Forecasters", The Statistician 32, 1983.
    """
    binned = bins_of(judgements.scores)
    found = []
    for at in range(int(binned.max()) + 1):
        part = np.flatnonzero(binned == at)
        seen = mean_of(judgements.seen[part], [judgements.prompts[int(place)] for place in part], bounds=(0, 1))
        found.append(Bin(float(judgements.scores[part].mean()), seen))
    return tuple(found)


def calibration(judgements: Judgements) -> Estimate:
    """Return the expected calibration error: the mean distance of score and frequency in the bins of ``bins_of``.

    The interval is of percentiles, whole prompts being resampled. Resampling adds chance to every bin, so that it lies
    rather too high than too low; the measured error is always within.
    """
    clusters, binned = numbered(judgements.prompts), bins_of(judgements.scores)
    prompts, bins = int(clusters.max()) + 1, int(binned.max()) + 1
    away = np.bincount(clusters * bins + binned, judgements.scores - judgements.seen, prompts * bins)
    sizes = np.bincount(clusters, minlength=prompts).astype(np.float64)
    tables = away.reshape(prompts, bins)
    error = float(np.abs(tables.sum(axis=0)).sum() / sizes.sum())
    times = resampling(prompts)
    drawn = np.abs(times @ tables).sum(axis=1) / (times @ sizes)
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(error, min(error, float(low)), max(error, float(high)), len(judgements.scores), prompts)


def cohen_kappa(judgements: Judgements) -> Estimate | None:
    """Return Cohen's kappa of critic and evaluator with an interval.

    J. Cohen, "A Coefficient of Agreement for Nominal Scales", Educational and Psychological Measurement 20, 1960.

    Returns:
        ``None`` where both say the same of everything, so that no agreement is beyond chance.
    """
    present, seen = judgements.scores >= HALF, judgements.seen >= HALF
    cells = np.stack([present & seen, present & ~seen, ~present & seen, ~present & ~seen], axis=1).astype(np.float64)
    clusters = numbered(judgements.prompts)
    tables = np.stack([np.bincount(clusters, cells[:, at]) for at in range(4)], axis=1)
    whole = tables.sum(axis=0)
    kappa = _kappa(whole[None])
    if np.isnan(kappa[0]):
        return None
    drawn = _kappa(np.asarray(resampling(len(tables)) @ tables, np.float64))
    left_out = _kappa(whole - tables)
    drawn, left_out = (np.where(np.isnan(values), kappa[0], values) for values in (drawn, left_out))
    low, high = bca_interval(kappa, drawn[:, None], left_out[:, None])[0]
    return Estimate(float(kappa[0]), float(low), float(high), len(present), len(tables))


def _kappa(tables: Floats) -> Floats:
    """Return kappa of tables (n, 4) of counts: both yes, the first alone, the second alone, neither."""
    both, first, second, neither = (tables / tables.sum(axis=1, keepdims=True)).T
    chance = (both + first) * (both + second) + (neither + first) * (neither + second)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = np.where(chance < 1, (both + neither - chance) / (1 - chance), np.nan)
    return found


def _share(said: Any, prompts: Any) -> Estimate | None:
    return mean_of(said.astype(np.float64), list(prompts), bounds=(0, 1)) if len(said) else None


def _preferences(labels: Sequence[Label], score: Any) -> Estimate | None:
    """Return how often a judge's scores share a person's preference.

    A judge that scores both the same is right on half of them, as one that tosses a coin; what a person finds equally
    good is not asked about.
    """
    agreed: list[float] = []
    prompts: list[str] = []
    for label in labels:
        key = Key(label.prompt, label.seed)
        left, right = score(label.left, key), score(label.right, key)
        if label.choice == "same" or left is None or right is None:
            continue
        agreed.append(0.5 if left == right else float((left > right) == (label.choice == "left")))
        prompts.append(label.prompt)
    return mean_of(agreed, prompts, bounds=(0, 1)) if agreed else None


def _score(run: Run, arm: str, key: Key) -> float | None:
    drawing = run.drawings.get(arm, {}).get(key)
    return None if drawing is None else drawing.score


def _presence(run: Run, arm: str, key: Key) -> float | None:
    entry = run.measured.get(evaluator_of(run), {}).get(arm, {}).get(key)
    return None if entry is None else entry.value
