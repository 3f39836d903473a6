"""Orders made of scores, and one order made of several."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

RRF = 60
"""Added to ranks before their reciprocals are summed. G. Cormack, C. Clarke, S. Buettcher, "Reciprocal Rank Fusion
outperforms Condorcet and individual rank learning methods", SIGIR 2009."""


def ranked(score: dict[str, float]) -> list[str]:
    """Return the keys, those of the highest score first; ties by key."""
    return sorted(score, key=lambda key: (-score[key], key))


def fuse(lists: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return the reciprocal rank fusion of ranked lists: the sum of 1 / (60 + rank), by key."""
    score: dict[str, float] = {}
    for keys in lists:
        for rank, key in enumerate(keys, 1):
            score[key] = score.get(key, 0.0) + 1 / (RRF + rank)
    return score


def most_relevant(vectors: NDArray[np.float32], k: int, diverse: float) -> list[int]:
    """Choose ``k`` rows that are relevant and unlike each other: maximal marginal relevance.

    J. Carbonell, J. Goldstein, "The Use of MMR, Diversity-Based Reranking", SIGIR 1998, with 1 - 1 / (n - 1) per rank
    as relevance, so that it does not matter what the ranks come from.

    Args:
        vectors: (n, d) unit rows of the candidates, the most relevant first.
        k: how many.
        diverse: 0..1, how much being unlike counts.
    """
    relevance = np.linspace(1, 0, len(vectors))
    likeness = vectors @ vectors.T
    picked = [0]
    while len(picked) < min(k, len(vectors)):
        score = (1 - diverse) * relevance - diverse * likeness[:, picked].max(axis=1)
        score[picked] = -np.inf
        picked.append(int(score.argmax()))
    return picked
