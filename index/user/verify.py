"""Checking Chroma's copy against the shards: counts, and whether it finds what an exact search finds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagerag.errors import FileError, ServiceError, first_line
from imagerag.index.user.snapshot import Snapshot
from imagerag.index.user.vector_store import Outdated, VectorStore, caption_ids

SAMPLE = 100
K = 10
ENOUGH = 0.95
"""Recall@10 below which something is wrong; whole collections of every size measured were above 0.98."""
TIE = 1e-5
"""Pictures that are as near as the tenth count as found, within the rounding of float32."""


def verify(known: Snapshot, collections: VectorStore, seed: int = 0) -> dict[str, Any]:
    """Compare, and read no more than a shard at a time.

    Args:
        known: what the shards hold.
        collections: Chroma's, of the same model.
        seed: of the sample.

    Returns:
        ``pictures``, ``captions`` and ``words`` as they should be, each with what Chroma and the words' index hold;
        ``recall`` at 10 of ``sampled`` pictures' own vectors against brute force (``None`` if nothing can be asked);
        ``problems``, in words: nothing in it means all is well.
    """
    captions = caption_ids(known)
    expected = {"pictures": len(known.by_address), "captions": len(captions) if known.has("meaning") else 0}
    expected["words"] = len(captions)
    found: dict[str, int] = dict.fromkeys(expected, 0)
    problems: list[str] = []
    recall, sampled = None, 0
    applied = collections.applied()
    try:
        if applied is None:
            raise Outdated("it was never made")
        collections.open(applied)
        assert collections.words is not None
        with collections.naming():
            found |= {"pictures": collections.pictures.count(), "captions": collections.captions.count()}
        found["words"] = len(collections.words.ids())
        sampled = min(SAMPLE, len(known.by_address))
        if sampled:
            with collections.naming():
                recall = _recall(known, collections.pictures, sampled, seed)
    except (Outdated, FileError, ServiceError) as error:
        problems.append(f"the copy for search can't be read ({first_line(error, 300)})")
    problems += [
        f"{found[name]} {name} are held for search, {count} are known"
        for name, count in expected.items()
        if found[name] != count and not problems
    ]
    if recall is not None and recall < ENOUGH:
        problems.append(f"recall@{K} is {recall:.3f}, below {ENOUGH}")
    counts = {name: {"known": count, "held": found[name]} for name, count in expected.items()}
    return {**counts, "sampled": sampled, "recall": recall, "problems": problems}


def _recall(known: Snapshot, collection: Any, sampled: int, seed: int) -> float:
    rows = np.array(sorted(known.by_address.values()), np.int64)
    sample = np.sort(np.random.default_rng(seed).choice(rows, sampled, replace=False))
    queries = known.vectors(sample)
    k = min(K, len(rows))
    best = np.full((sampled, k), -np.inf, np.float32)
    for _, vectors in known.in_parts(rows, "embedding"):
        both = np.concatenate([best, queries @ vectors.T], axis=1)
        best = np.partition(both, -k, axis=1)[:, -k:]
    last: NDArray[np.float32] = best.min(axis=1)
    pairs: list[tuple[int, int]] = []
    for start in range(0, sampled, 20):
        answer = collection.query(query_embeddings=queries[start : start + 20], n_results=k, include=["distances"])
        for number, ids in enumerate(answer["ids"], start):
            pairs += [(number, known.by_address[key]) for key in ids if key in known.by_address]
    if not pairs:
        return 0.0
    asked, found = np.array(pairs, np.int64).T
    # By the shards' vectors: what Chroma holds could itself be wrong.
    places, which = np.unique(found, return_inverse=True)
    cosines = np.einsum("nd,nd->n", queries[asked], known.vectors(places)[which])
    return float((cosines >= last[asked] - TIE).sum()) / (sampled * k)
