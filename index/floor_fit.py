"""Fitting the look-up floor: how well the best match of a query scores where a library lacks what is asked for."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imagerag.embedders.calibration import FALSE_POSITIVES, LookupFloor, Statistic

Parts = Iterable[tuple[NDArray[np.int64], NDArray[np.float32]]]
"""Rows and their (n, d) embeddings, a part of the library at a time."""


class BestMatches(NamedTuple):
    """The best match of each query, as a cosine, (queries,); not a number where there is none.

    Attributes:
        lacking: among the pictures that have nothing to do with it: what a library without it answers with.
        having: among the pictures that show it.
        centre: (d,) mean of all pictures' embeddings.
    """

    lacking: NDArray[np.float64]
    having: NDArray[np.float64]
    centre: NDArray[np.float64]


def best_matches(
    queries: NDArray[np.float32],
    parts: Parts,
    related: list[NDArray[np.int64]],
    carrying: list[NDArray[np.int64]],
    count: int,
) -> BestMatches:
    """Compare each query with all pictures, a part of them in memory at a time.

    Args:
        queries: (n, d) embeddings.
        parts: the pictures.
        related: of each query, the rows that may show it; they are left out of ``lacking``.
        carrying: of each query, the rows that show it.
        count: of all rows.
    """
    lacking, having = np.full(len(queries), -np.inf), np.full(len(queries), -np.inf)
    total, seen = np.zeros(queries.shape[1]), 0
    for rows, vectors in parts:
        cosines = (queries @ vectors.T).astype(np.float64)
        place = np.full(count, -1, np.int64)
        place[rows] = np.arange(len(rows))
        for at, row in enumerate(cosines):
            mine = place[carrying[at]]
            having[at] = max(having[at], row[mine[mine >= 0]].max(initial=-np.inf))
            near = place[related[at]]
            row[near[near >= 0]] = -np.inf
            lacking[at] = max(lacking[at], row.max(initial=-np.inf))
        total += vectors.sum(0, dtype=np.float64)
        seen += len(rows)
    lacking[np.isinf(lacking)] = np.nan
    having[np.isinf(having)] = np.nan
    return BestMatches(lacking, having, total / max(seen, 1))


def fit_floor(queries: NDArray[np.float32], best: BestMatches) -> LookupFloor | None:
    """Return the floor that ``FALSE_POSITIVES`` of the lacking queries exceed, by the statistic that keeps more.

    That is the cosine, or the cosine less the query's mean with all pictures: some models' cosines depend on the words
    more than on the picture.

    Args:
        queries: (n, d) embeddings.
        best: their best matches.

    Returns:
        ``None`` where no query has a match.
    """
    usual = queries.astype(np.float64) @ best.centre
    plain = _floor("cosine", best.lacking, best.having)
    centred = _floor("centred", best.lacking - usual, best.having - usual, best.centre)
    if plain is None or centred is None:
        return None
    return centred if centred.kept > plain.kept else plain


def _floor(
    statistic: Statistic, lacking: NDArray[Any], having: NDArray[Any], centre: NDArray[Any] | None = None
) -> LookupFloor | None:
    lacking, having = lacking[~np.isnan(lacking)], having[~np.isnan(having)]
    if not len(lacking):
        return None
    # Split conformal (Vovk et al. 2005): a further query exceeds it with the probability that is promised at most. An
    # interpolated quantile of a few hundred is exceeded by some tenths of a percent more.
    rank = min(math.ceil((len(lacking) + 1) * (1 - FALSE_POSITIVES)), len(lacking))
    value = float(np.sort(lacking)[rank - 1])
    kept = float((having >= value).mean()) if len(having) else 1.0
    middle = () if centre is None else tuple(round(float(one), 5) for one in centre)
    return LookupFloor(statistic, round(value, 4), middle, round(kept, 4))
