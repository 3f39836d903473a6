"""Orders made of scores, and one order made of several."""

from collections.abc import Sequence

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
