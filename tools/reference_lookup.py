"""One look-up: captions to references, re-ranked where that is wanted, the best of each concept."""

from collections.abc import Sequence
from itertools import zip_longest

from imagerag.index.base import Hit, OrdersItself, SearchOptions
from imagerag.prompt_grammar.lettering import is_lettering
from imagerag.tools.session import ToolSession

CANDIDATES = 2
"""Times as many references as are wanted, for a re-ranker to choose from; it looks at each."""
Found = tuple[str, Hit]
"""A caption and what it found."""


def look_up(session: ToolSession, pairs: Sequence[tuple[str, str]], k: int) -> tuple[dict[str, list[Found]], list[str]]:
    """Search with captions in one pass.

    Args:
        session: whose index is searched.
        pairs: concept and caption; a concept may have several captions.
        k: references per concept.

    Returns:
        For each concept what was found, best first, at most ``k``; and the captions that found nothing of use.
    """
    captions = [caption for _, caption in pairs]
    reranker = session.components.reranker
    concepts = tuple(concept for concept, _ in pairs)
    written = frozenset(concept for concept in concepts if is_lettering(concept, session.prompt))
    options = SearchOptions(
        concepts=concepts, written=written, tell=lambda text: session.emit({"event": "note", "text": text})
    )
    found = session.components.index.search(captions, k if reranker is None else CANDIDATES * k, options)
    if reranker is not None:
        pictures = [[session.components.index.image(hit.sha256) for hit in hits] for hits in found]
        orders = reranker.rerank(captions, pictures, [session.pixels(record) for record in session.subjects])
        found = [[hits[at] for at in order] for hits, order in zip(found, orders, strict=True)]
    index = session.components.index
    comparable = not isinstance(index, OrdersItself) or index.comparable
    of_concept: dict[str, list[list[Found]]] = {}
    for (concept, caption), hits in zip(pairs, found, strict=True):
        of_concept.setdefault(concept, []).append([(caption, hit) for hit in hits])
    best: dict[str, list[Found]] = {}
    for concept, lists in of_concept.items():
        # in turn, where the order is more than that of the similarities
        every = [one for places in zip_longest(*lists) for one in places if one is not None]
        if reranker is None and comparable:
            every.sort(key=lambda one: -one[1].similarity)
        once: dict[str, Found] = {}
        for one in every:
            once.setdefault(one[1].sha256, one)
        best[concept] = list(once.values())[:k]
    nothing = [caption for caption, hits in zip(captions, found, strict=True) if not hits]
    return best, nothing
