"""From which cosine on two of a model's texts name one thing, as the words of a vocabulary tell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from imagerag.index.captions import CaptionWords, content_words


def synonym_cosine(names: Sequence[str], embedded: NDArray[np.float32]) -> float:
    """Return the cosine from which on two texts of a model name one thing.

    As many pairs of names are that alike as say one thing by their words alone; see ``namesake_share``. So the cosine
    follows from the vocabulary and from the model, and nothing is chosen by hand.

    Args:
        names: n different names, at least 2.
        embedded: (n, d) unit embeddings of them.
    """
    pairs = (embedded @ embedded.T)[np.triu_indices(len(embedded), 1)]
    return round(float(np.quantile(pairs, 1 - namesake_share(names))), 4)


def namesake_share(names: Sequence[str]) -> float:
    """Return the share of the pairs of names of which one has all words of the other, as "cat" and "cat face" do.

    Of k such pairs among n it is (k + 1/2) / (n + 1), so that some are left where no words are shared (H. Jeffreys).
    """
    words = CaptionWords(names)
    pairs = set()
    for at, name in enumerate(names):
        if content_words(name):
            pairs |= {(min(at, int(other)), max(at, int(other))) for other in words.carrying(name) if other != at}
    return (len(pairs) + 0.5) / (len(names) * (len(names) - 1) / 2 + 1)
