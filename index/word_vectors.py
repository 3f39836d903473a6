"""How well a query goes with a picture and with all words that a library has for what it shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from imagerag.embedders.clip import Embedder


def words_embedded(embedder: Embedder, said: Sequence[Sequence[str]]) -> NDArray[np.float32]:
    """Return (concepts, d) vectors whose product with a query's embedding is the mean of two cosines.

    One is with the mean of the words' embeddings, the other with all words as one text.

    Args:
        embedder: of texts.
        said: of each concept, its name and its keywords.
    """
    every = list(dict.fromkeys(word for words in said for word in words))
    place = {word: at for at, word in enumerate(every)}
    single = embedder.embed_texts(every)
    means = np.stack([single[[place[word] for word in words]].mean(0) for words in said])
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
    together = embedder.embed_texts([", ".join(words) for words in said])
    vectors: NDArray[np.float32] = ((means + together) / 2).astype(np.float32)
    return vectors


class ConceptWords:
    """The words of a library's concepts, as a model sees them.

    Args:
        names: of the concepts, unlike each other.
        vectors: (concepts, d) of ``words_embedded``.
    """

    def __init__(self, names: Sequence[str], vectors: NDArray[np.float32]) -> None:
        self._place = {name: at for at, name in enumerate(names)}
        self._vectors = vectors

    def likeness(self, query: NDArray[np.float32], names: Sequence[str], pictures: ArrayLike) -> NDArray[np.float64]:
        """Return the mean of three cosines of a query, (n,): with a picture, and the two of ``words_embedded``.

        Args:
            query: (d,) its embedding.
            names: n, of the concepts that the pictures show.
            pictures: (n,) cosines of the query with them.
        """
        words = self._vectors[[self._place[name] for name in names]] @ query
        return (np.asarray(pictures, np.float64) + 2 * words.astype(np.float64)) / 3
