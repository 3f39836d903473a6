"""Means and paired differences with intervals, and how many prompts it takes to see a difference.

Several seeds of one prompt are not independent: an arm that draws a prompt well does so on most seeds. Whole prompts
are resampled for that reason (the cluster bootstrap: A. C. Davison, D. V. Hinkley, "Bootstrap Methods and their
Application", Cambridge 1997, section 3.8), and what is counted for the number that is needed are prompts, too.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEVEL = 0.95
"""Confidence of the intervals."""
POWER = 0.8
"""Probability with which a difference that is there is to be seen; J. Cohen, "Statistical Power Analysis for the
Behavioral Sciences", 2nd ed. 1988, section 2.4, proposes it as the convention."""
DRAWS = 5000
"""Resamplings; 125 of them lie beyond each end of an interval of 95 %."""
SEED = 0

_NORMAL = NormalDist()

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A mean with its interval.

    Attributes:
        mean: of all values.
        low, high: of the interval of confidence ``LEVEL``; nan where all prompts have the same mean and no bounds are
            known, so that nothing is known of those that weren't seen.
        count: of values.
        prompts: that they are of.
    """

    mean: float
    low: float
    high: float
    count: int
    prompts: int


@dataclass(frozen=True)
class Difference(Estimate):
    """The mean of paired differences, the second less the first.

    Attributes:
        wins, losses, ties: pairs in which the second is higher, lower, the same.
        needed: prompts for an interval that excludes 0 with the probability ``POWER`` if the difference is as large as
            was measured; ``None`` where there is no difference, or it is the same for all prompts.
        visible: the smallest difference that as many prompts as there are show with the probability ``POWER``; nan
            where all prompts have the same difference, so that nothing is known of how they spread.
    """

    wins: int
    losses: int
    ties: int
    needed: int | None
    visible: float

    @property
    def settled(self) -> bool:
        """Whether the interval excludes 0."""
        return self.low > 0 or self.high < 0


def mean_of(
    values: ArrayLike,
    prompts: Sequence[Hashable],
    *,
    bounds: tuple[float, float] | None = None,
    draws: int = DRAWS,
    seed: int = SEED,
) -> Estimate:
    """Return the mean with an interval.

    The interval is the bias-corrected and accelerated one of the cluster bootstrap (BCa: B. Efron, "Better Bootstrap
    Confidence Intervals", JASA 82, 1987; the acceleration by leaving out one prompt at a time). Where all prompts have
    the same mean, resampling says nothing: then at most 1 - (alpha/2)^(1/n) of the prompts differ from the n that were
    seen (the exact bound of C. J. Clopper, E. S. Pearson, Biometrika 26, 1934, for none in n), and those by as much as
    ``bounds`` allow.

    Args:
        values: (n,) finite; n at least 1.
        prompts: (n,) the prompt of each value.
        bounds: the least and the greatest value that there can be; unknown if ``None``.
        draws: resamplings.
        seed: of the resampling.

    Raises:
        ValueError: no values, one that is not finite, or another number of prompts.
    """
    x = np.asarray(values, np.float64)
    sums, sizes = _by_prompt(x, prompts)
    mean, count, n = float(sums.sum() / sizes.sum()), len(x), len(sums)
    means = sums / sizes
    if np.ptp(means) <= 1e-12 * max(1.0, abs(mean)):
        low = high = math.nan
        if bounds is not None:
            differing = 1 - ((1 - LEVEL) / 2) ** (1 / n)
            low, high = (mean + differing * (bound - mean) for bound in bounds)
        return Estimate(mean, low, high, count, n)
    low, high = bca_interval(
        np.array([mean]), resampled(sums, sizes, draws, seed)[:, None], _left_out(sums, sizes)[:, None]
    )[0]
    return Estimate(mean, float(low), float(high), count, n)


def paired_difference(
    first: ArrayLike,
    second: ArrayLike,
    prompts: Sequence[Hashable],
    *,
    bounds: tuple[float, float] | None = None,
    draws: int = DRAWS,
    seed: int = SEED,
) -> Difference:
    """Return the mean difference of pairs, the second less the first, with its interval; see ``mean_of``.

    Args:
        first, second: (n,) finite, of the same prompt and seed in each place.
        prompts: (n,) the prompt of each pair.
        bounds: the least and the greatest value (not difference) that there can be; those seen if ``None``.
        draws, seed: of the resampling.

    Raises:
        ValueError: as ``mean_of``, or not as many of one as of the other.
    """
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if a.shape != b.shape:
        raise ValueError(f"{len(a)} values can't be paired with {len(b)}")
    differences = b - a
    if bounds is None and len(a):
        bounds = float(min(a.min(), b.min())), float(max(a.max(), b.max()))
    span = bounds[1] - bounds[0] if bounds else 0.0
    estimate = mean_of(differences, prompts, bounds=(-span, span) if span else None, draws=draws, seed=seed)
    sums, sizes = _by_prompt(differences, prompts)
    spread = float(np.std(sums / sizes, ddof=1)) if len(sums) > 1 else math.nan
    close = np.isclose(a, b, rtol=0, atol=1e-9)
    return Difference(
        **vars(estimate),
        wins=int(np.sum(~close & (b > a))),
        losses=int(np.sum(~close & (b < a))),
        ties=int(close.sum()),
        needed=prompts_needed(estimate.mean, spread),
        visible=smallest_visible(estimate.prompts, spread),
    )


def prompts_needed(difference: float, spread: float, *, power: float = POWER) -> int | None:
    """Return how many prompts it takes to see a mean paired difference in a two-sided test.

    n = ((z_{1-alpha/2} + z_power) spread / difference)^2 + z_{1-alpha/2}^2 / 2, rounded up: the normal approximation
    with the correction for a spread that has to be estimated (W. C. Guenther, "Sample Size Formulas for Normal Theory
    T Tests", The American Statistician 35, 1981).

    Args:
        difference: that is to be seen, in the metric's unit.
        spread: standard deviation of the prompts' mean differences, same unit.
        power: probability of seeing it, above 1 - LEVEL and below 1.

    Returns:
        At least 2; ``None`` where the difference is 0, or the spread 0 or unknown.
    """
    if not difference or not spread > 0:
        return None
    z = _NORMAL.inv_cdf((1 + LEVEL) / 2)
    return max(2, math.ceil(((z + _NORMAL.inv_cdf(power)) * spread / difference) ** 2 + z * z / 2))


def smallest_visible(prompts: int, spread: float, *, power: float = POWER) -> float:
    """Return the smallest difference that so many prompts show: ``prompts_needed`` the other way round.

    Returns:
        In the metric's unit; nan for one prompt, and where the spread is 0 or unknown.
    """
    z = _NORMAL.inv_cdf((1 + LEVEL) / 2)
    left = prompts - z * z / 2
    return (z + _NORMAL.inv_cdf(power)) * spread / math.sqrt(left) if left > 0 and spread > 0 else math.nan


def bca_interval(statistic: Floats, drawn: Floats, left_out: Floats) -> Floats:
    """Return bias-corrected and accelerated intervals of several statistics at once.

    Args:
        statistic: (m,) of all data.
        drawn: (draws, m) of the resamplings.
        left_out: (n, m) with one cluster left out at a time.

    Returns:
        (m, 2), the low and the high end.
    """
    draws = len(drawn)
    below = (np.sum(drawn < statistic, axis=0) + np.sum(drawn <= statistic, axis=0)) / 2
    shares = np.clip(below / draws, 0.5 / draws, 1 - 0.5 / draws)
    away = left_out.mean(axis=0) - left_out
    squares = np.sum(away**2, axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        acceleration = np.where(squares > 0, np.sum(away**3, axis=0) / (6 * squares**1.5), 0.0)
    ends = np.empty((len(statistic), 2))
    for at, (share, pull) in enumerate(zip(shares, acceleration, strict=True)):
        bias = _NORMAL.inv_cdf(float(share))
        for side, tail in enumerate(((1 - LEVEL) / 2, (1 + LEVEL) / 2)):
            z = bias + _NORMAL.inv_cdf(tail)
            ends[at, side] = np.quantile(drawn[:, at], _NORMAL.cdf(bias + z / (1 - float(pull) * z)))
    return ends


@lru_cache(maxsize=16)
def resampling(clusters: int, draws: int = DRAWS, seed: int = SEED) -> NDArray[np.float32]:
    """Return how often each cluster is drawn in each resampling, (draws, clusters); each row adds up to ``clusters``.

    The same numbers give the same array, which is not to be written to.
    """
    drawn = np.random.default_rng(seed).integers(clusters, size=(draws, clusters))
    drawn += np.arange(draws)[:, None] * clusters
    times = np.bincount(drawn.ravel(), minlength=draws * clusters).reshape(draws, clusters).astype(np.float32)
    times.setflags(write=False)
    return times


def resampled(sums: Floats, sizes: Floats, draws: int = DRAWS, seed: int = SEED) -> Floats:
    """Return the means of the resamplings, (draws,).

    Args:
        sums: (clusters,) of each one's values.
        sizes: (clusters,) how many values it has.
        draws, seed: of the resampling.
    """
    times = resampling(len(sums), draws, seed)
    if (sizes == sizes[0]).all():
        return np.asarray((times @ sums) / sizes.sum(), np.float64)
    drawn = times @ np.stack([sums, sizes], axis=1)
    return np.asarray(drawn[:, 0] / drawn[:, 1], np.float64)


def numbered(names: Sequence[Hashable]) -> NDArray[np.intp]:
    """Return the clusters by number, 0.., in the order in which they first come."""
    places: dict[Hashable, int] = {}
    return np.array([places.setdefault(name, len(places)) for name in names], np.intp)


def _by_prompt(values: Floats, prompts: Sequence[Hashable]) -> tuple[Floats, Floats]:
    if not len(values):
        raise ValueError("there are no values to take the mean of")
    if len(values) != len(prompts):
        raise ValueError(f"{len(values)} values, but the prompts of {len(prompts)}")
    if not np.isfinite(values).all():
        raise ValueError("a value is not finite")
    at: Any = numbered(prompts)
    return np.bincount(at, values).astype(np.float64), np.bincount(at).astype(np.float64)


def _left_out(sums: Floats, sizes: Floats) -> Floats:
    means: Floats = (sums.sum() - sums) / (sizes.sum() - sizes)
    return means
