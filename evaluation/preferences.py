"""What people's labels add up to: the win rate of each pair of arms, and one scale of all arms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagerag.evaluation.critic_report import estimate_as_json
from imagerag.evaluation.labels import Label, same_images
from imagerag.evaluation.run_folder import Run, counted
from imagerag.evaluation.statistics import LEVEL, Estimate, mean_of, numbered, resampling

BRADLEY_TERRY_DRAWS = 1000
ROUNDS = 200
"""Steps of the fit at most."""
CLOSE = 1e-6
"""Change of the log strengths in a step at which it ends."""
VIRTUAL = 0.5
"""Wins that each arm is given over each it was compared with, so that an arm that always won has a finite strength: the
prior of Jeffreys for a share."""


@dataclass(frozen=True)
class WinRate:
    """How often people preferred the second arm to the first; of equally good ones half of each.

    Attributes:
        rate: of the pairs that people saw, with its interval.
        wins, losses, ties: of the second arm.
        same: prompts and seeds for which both arms have the same image, which nobody was asked about.
    """

    first: str
    second: str
    rate: Estimate
    wins: int
    losses: int
    ties: int
    same: int


@dataclass(frozen=True)
class Strength:
    """An arm's place on the scale of Bradley and Terry.

    Attributes:
        chance: that it is preferred to an average arm, 0..1.
        low, high: of the interval.
    """

    arm: str
    chance: float
    low: float
    high: float


@dataclass(frozen=True)
class Preferences:
    """What the labels of a run add up to.

    Attributes:
        labels: how many.
        people: how many gave them.
        rates: of each pair of arms that was labelled.
        strengths: of more than two arms that are connected by labels, the strongest first.
        notes: why there is no scale.
    """

    labels: int
    people: int
    rates: tuple[WinRate, ...]
    strengths: tuple[Strength, ...] = ()
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            "labels": self.labels,
            "people": self.people,
            "rates": [{**vars(rate), "rate": estimate_as_json(rate.rate)} for rate in self.rates],
            "strengths": [
                {"arm": one.arm, "chance": one.chance, "interval": [one.low, one.high]} for one in self.strengths
            ],
            "notes": list(self.notes),
        }


def preferences_of(run: Run, labels: Sequence[Label]) -> Preferences:
    """Sum up the labels of a run; those of arms that it hasn't are left out with a note."""
    known = [label for label in labels if {label.left, label.right} <= {*run.arms}]
    notes = []
    if len(known) < len(labels):
        notes.append(f"left out, since run.json has no such arm: {counted(len(labels) - len(known), 'label')}")
    arms = [arm for arm in run.arms if any(arm in (label.left, label.right) for label in known)]
    rates = []
    for at, first in enumerate(arms):
        for second in arms[at + 1 :]:
            of_pair = [label for label in known if {label.left, label.right} == {first, second}]
            if of_pair:
                rates.append(_win_rate(run, first, second, of_pair))
    strengths: tuple[Strength, ...] = ()
    if len(arms) > 2:
        if _connected(arms, known):
            strengths = bradley_terry(arms, known)
        else:
            notes.append("there is no scale of all arms: no labels connect some of them with the others")
    return Preferences(len(known), len({label.by for label in known}), tuple(rates), strengths, tuple(notes))


def _win_rate(run: Run, first: str, second: str, labels: Sequence[Label]) -> WinRate:
    points = [_points(label, second) for label in labels]
    rate = mean_of(points, [label.prompt for label in labels], bounds=(0, 1))
    wins, losses, ties = (points.count(value) for value in (1.0, 0.0, 0.5))
    return WinRate(first, second, rate, wins, losses, ties, len(same_images(run, first, second)))


def _points(label: Label, arm: str) -> float:
    if label.choice == "same":
        return 0.5
    return float((label.left if label.choice == "left" else label.right) == arm)


def bradley_terry(arms: Sequence[str], labels: Sequence[Label]) -> tuple[Strength, ...]:
    """Return the arms' strengths: of two, i is preferred with the probability p_i / (p_i + p_j).

    R. A. Bradley, M. E. Terry, "Rank Analysis of Incomplete Block Designs", Biometrika 39, 1952; fitted by the
    minorisation-maximisation of D. R. Hunter, Annals of Statistics 32, 2004, with half a win of each for what is
    equally good. Intervals are percentiles of resampled prompts.

    Args:
        arms: connected by the labels.
        labels: about these arms alone.
    """
    place = {arm: at for at, arm in enumerate(arms)}
    clusters = numbered([label.prompt for label in labels])
    tables = np.zeros((int(clusters.max()) + 1, len(arms), len(arms)))
    for cluster, label in zip(clusters, labels, strict=True):
        left, right = place[label.left], place[label.right]
        points = _points(label, label.left)
        tables[cluster, left, right] += points
        tables[cluster, right, left] += 1 - points
    whole = tables.sum(axis=0)
    virtual = VIRTUAL * ((whole + whole.T) > 0)
    chance = _fit(whole[None] + virtual)[0]
    times = resampling(len(tables), BRADLEY_TERRY_DRAWS)
    drawn = _fit(np.tensordot(times, tables, axes=1) + virtual)
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    found = [Strength(arm, float(chance[at]), float(low[at]), float(high[at])) for at, arm in enumerate(arms)]
    return tuple(sorted(found, key=lambda one: -one.chance))


def _fit(wins: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the chance of each arm against an average one, (draws, arms), from wins (draws, arms, arms)."""
    played = wins + wins.transpose(0, 2, 1)
    won = wins.sum(axis=2)
    logs = np.zeros(won.shape)
    for _ in range(ROUNDS):
        strength = np.exp(logs)
        expected = (played / (strength[:, :, None] + strength[:, None, :])).sum(axis=2)
        new = np.log(won / expected)
        new -= new.mean(axis=1, keepdims=True)
        step = np.abs(new - logs).max()
        logs = new
        if step < CLOSE:
            break
    chances: NDArray[np.float64] = 1 / (1 + np.exp(-logs))
    return chances


def _connected(arms: Sequence[str], labels: Sequence[Label]) -> bool:
    reached, frontier = {arms[0]}, [arms[0]]
    while frontier:
        arm = frontier.pop()
        for label in labels:
            if arm in (label.left, label.right):
                for other in (label.left, label.right):
                    if other not in reached:
                        reached.add(other)
                        frontier.append(other)
    return reached == set(arms)
