"""Fitting presence: logistic regressions on questions whose answers are known, or the scores of what is absent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imagerag.embedders.calibration import Presence, Reliability, calibration_error
from imagerag.embedders.window_evidence import WindowEvidence

STEPS, RATE, DECAY = 4000, 0.05, 1e-3
LEAST_SHOWN = 100
"""Questions about concepts that exemplars show from which on likeness to them is weighed: 20 for each constant."""
BINS = 10
"""Of equal mass, in which the regressions are compared with the truth: 50 to 100 questions each."""
ABSENT_STEPS = 101
"""Values that tell the distribution of the log-odds of absent concepts: one for each percent."""


class Question(NamedTuple):
    """One picture, one concept, and whether it is there.

    Attributes:
        seen: (windows, d) embeddings of the picture's windows.
        concept: asked for.
        there: the truth.
        picture: which one, so that pairs of one picture stay together.
        without: (exemplars,) those that are the picture itself; ``None`` for none.
    """

    seen: NDArray[np.float32]
    concept: str
    there: bool
    picture: int
    without: NDArray[np.bool_] | None = None


def measure(eyes: WindowEvidence, questions: Sequence[Question], temperature: float, synonym: float) -> NDArray[Any]:
    """Return what speaks for each concept: (questions, 4), in the order of ``Evidence``."""
    rows = []
    for question in questions:
        evidence = eyes.evidence(question.seen, [question.concept], temperature, synonym, question.without)
        rows.append([float(values[0]) for values in evidence])
    return np.array(rows, float).reshape(len(questions), 4)


def fit_presence(raw: NDArray[Any], there: NDArray[Any], temperature: float, synonym: float) -> Presence:
    """Fit both regressions, and how often a concept is there by what they say.

    The latter is an isotonic regression (B. Zadrozny, C. Elkan, "Transforming Classifier Scores into Accurate
    Multiclass Probability Estimates", KDD 2002) on bins: a small model misses some things altogether, which no sigmoid
    tells.

    Args:
        raw: what ``measure`` returned.
        there: (questions,) 0 or 1; both must occur.
        temperature, synonym: that it was measured with.
    """
    words, _ = logistic(raw[:, :2], there)
    shown = ~np.isnan(raw).any(axis=1)
    pictures: tuple[float, ...] = ()
    if min((shown & (there > 0)).sum(), (shown & (there == 0)).sum()) >= LEAST_SHOWN // 2:
        pictures = tuple(logistic(raw[shown], there[shown])[0])
    plain = Presence(temperature, synonym, tuple(words), pictures)
    said = np.clip(plain.probabilities(list(raw.T)), 1e-9, 1 - 1e-9)
    logits, frequencies = rising(np.log(said / (1 - said)), there)
    return replace(plain, logits=logits, frequencies=frequencies, absent=absent_scores(raw[there == 0]))


def rising(logits: NDArray[Any], there: NDArray[Any]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the mean of ``logits`` (n,) in bins of equal mass, and how often it is so there, made never to fall.

    Frequencies are those of (k + 1/2) / (n + 1), so that none is certain (H. Jeffreys).
    """
    parts = [part for part in np.array_split(np.argsort(logits, kind="stable"), BINS) if len(part)]
    blocks: list[tuple[float, int, int]] = []  # there, questions, bins
    for part in parts:
        blocks.append((float(there[part].sum()), len(part), 1))
        while len(blocks) > 1 and _frequency(blocks[-2]) >= _frequency(blocks[-1]):
            last, before = blocks.pop(), blocks.pop()
            blocks.append((last[0] + before[0], last[1] + before[1], last[2] + before[2]))
    frequencies = [round(_frequency(block), 4) for block in blocks for _ in range(block[2])]
    return tuple(round(float(logits[part].mean()), 4) for part in parts), tuple(frequencies)


def _frequency(block: tuple[float, int, int]) -> float:
    return (block[0] + 0.5) / (block[1] + 1)


def absent_scores(raw: NDArray[Any]) -> tuple[float, ...]:
    """Return the distribution of the log-odds of absent concepts, at equal steps from the lowest to the highest."""
    steps = np.quantile(raw[:, 0], np.linspace(0, 1, ABSENT_STEPS))
    return tuple(round(float(value), 4) for value in steps)


def reliability(presence: Presence, raw: NDArray[Any], there: NDArray[Any], pictures: Sequence[int]) -> Reliability:
    """Return how far the probabilities are from the truth; the arguments as for ``fit_presence``, of other pictures."""
    error = calibration_error(presence.probabilities(list(raw.T)), there)
    return Reliability(round(error, 4), len(there), len(set(pictures)))


def logistic(raw: NDArray[Any], truth: NDArray[Any]) -> tuple[list[float], NDArray[Any]]:
    """Return bias and weights for raw (n, d) features, rounded, and the probabilities (n,) they give."""
    middle, spread = raw.mean(0), raw.std(0)
    spread = np.where(spread > 0, spread, 1.0)
    weights = _descend((raw - middle) / spread, truth)
    slope = weights[1:] / spread
    constants = [round(float(value), 4) for value in (weights[0] - slope @ middle, *slope)]
    return constants, 1 / (1 + np.exp(-(constants[0] + raw @ np.array(constants[1:]))))


def _descend(features: NDArray[Any], truth: NDArray[Any]) -> NDArray[Any]:
    """Return weights of a logistic regression with a bias first; plain gradient descent on (n, d) features."""
    x = np.column_stack([np.ones(len(features)), features])
    weights = np.zeros(x.shape[1])
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-(x @ weights)))
        weights -= RATE * (x.T @ (p - truth) / len(x) + DECAY * np.r_[0, weights[1:]])
    return weights
