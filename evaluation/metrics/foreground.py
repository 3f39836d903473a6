"""Which patches of an image are its subject: TokenCut (Wang et al. 2022, arXiv 2202.11539), from a vision model's
features alone.

Patches are the nodes of a graph, joined where their features are alike. The second eigenvector of its normalised
Laplacian parts it in two; the part with the entry of greatest magnitude is the subject.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ALIKE = 0.2
"""Cosine from which on two patches are joined (TokenCut, section 3.2)."""
UNLIKE = 1e-5
"""Weight of all other edges, so that the graph is whole (as there)."""


def foreground(features: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return for each patch whether it belongs to the subject; for none, where all patches are alike.

    Args:
        features: (n, d) unit rows.
    """
    weights = np.where(features @ features.T > ALIKE, 1.0, UNLIKE)
    if np.all(weights == weights[0, 0]):
        return np.zeros(len(features), np.bool_)
    root = np.sqrt(weights.sum(1))
    # Of (D - W) y = lambda D y, by y = D^-1/2 z with the symmetric D^-1/2 (D - W) D^-1/2 z = lambda z.
    _, vectors = np.linalg.eigh(np.eye(len(weights)) - weights / np.outer(root, root))
    second = vectors[:, 1] / root
    side = second > second.mean()
    subject: NDArray[np.bool_] = side if side[np.abs(second).argmax()] else ~side
    return subject
