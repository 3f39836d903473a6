"""Which of the hits are above the look-up floor: a cosine, or the one that was fitted for the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from imagerag.index.base import Floor, Hit
from imagerag.index.captions import carries

if TYPE_CHECKING:
    from imagerag.embedders.calibration import LookupFloor
    from imagerag.embedders.clip import Embedder
    from imagerag.index.word_vectors import ConceptWords


def hits_above(
    floor: Floor | None,
    fitted: LookupFloor | None,
    embedder: Embedder,
    caption: str,
    hits: Sequence[Hit],
    words: ConceptWords | None = None,
) -> list[Hit]:
    """Return the hits above a floor, in their order.

    By the fitted floor, one whose words have all that the caption's have counts as found, whatever it looks like.

    Args:
        floor: which one; ``None`` for none.
        fitted: the fitted one, if there is one.
        embedder: that found them.
        caption: what was looked for.
        hits: what was found.
        words: of what the hits' titles name, for a floor that compares words.
    """
    if floor is None or not hits or (floor == "calibrated" and fitted is None):
        return list(hits)
    similarities = [hit.similarity for hit in hits]
    if floor != "calibrated" or fitted is None:
        return [hit for hit in hits if hit.similarity >= float(floor)]
    query = embedder.embed_texts([caption.strip()])[0]
    if fitted.statistic == "words" and words is not None:
        similarities = words.likeness(query, [hit.title for hit in hits], similarities).tolist()
    return [
        hit
        for hit, near in zip(hits, fitted.above(similarities, query).tolist(), strict=True)
        if near or any(carries(caption, said) for said in (hit.title, *hit.words))
    ]
