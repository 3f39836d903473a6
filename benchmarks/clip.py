"""How well the embedded CLIP sees and finds: the rows of the table in docs/evaluating.md, with the misses on request.

    python -m benchmarks.clip [--misses]

Everything goes through the product's own loader and preprocessing, from the library's pictures up.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imagerag.assets import asset
from imagerag.assets.library import Library
from imagerag.embedders.clip import Embedder, load_embedder

K = 5


@dataclass(frozen=True)
class Row:
    """One line of the table: what was measured, on how many, with what was wanted, and what went wrong."""

    what: str
    value: float
    target: float
    count: int
    misses: tuple[str, ...]


def held_out(embedder: Embedder, library: Library) -> tuple[Row, Row]:
    """(concept, set) pairs the CLIP never trained on: is the concept's name the nearest of all names?"""
    rows = [i for i, entry in enumerate(library.entries) if entry.held_out]
    names = [concept.name for concept in library.concepts]
    images = embedder.embed_images([library.image(i) for i in rows])
    order = np.argsort(-(images @ embedder.embed_texts(names).T), axis=1)[:, :K]
    first, five, misses = 0, 0, []
    for i, best in zip(rows, order, strict=True):
        entry = library.entries[i]
        found = [names[j] for j in best]
        first += found[0] == entry.concept
        five += entry.concept in found
        if entry.concept not in found:
            misses.append(f"{entry.concept} ({entry.set}): {', '.join(found)}")
    title = f"held-out pairs, right concept of {len(names)}"
    return (
        Row(f"{title} first", first / len(rows), 0.55, len(rows), ()),
        Row(f"{title} in the first {K}", five / len(rows), 0.80, len(rows), tuple(misses)),
    )


def recall(
    title: str, target: float, queries: dict[str, frozenset[str]], search: Callable[[list[str]], list[list[str]]]
) -> Row:
    """Share of the queries for which one of the acceptable concepts is among the first K pictures of the index."""
    found = search(list(queries))
    misses = [
        f"{query}: {', '.join(names)}"
        for (query, wanted), names in zip(queries.items(), found, strict=True)
        if not wanted & set(names)
    ]
    return Row(title, 1 - len(misses) / len(queries), target, len(queries), tuple(misses))


def paraphrases() -> dict[str, frozenset[str]]:
    """Everyday words for concepts, from the committed list; no name and no keyword of the library among them."""
    lines = asset("paraphrases.tsv").read_text(encoding="utf-8").splitlines()[1:]
    return {query: frozenset(concepts.split("|")) for query, concepts in (line.split("\t") for line in lines)}


def measure() -> list[Row]:
    """Measure all rows; about half a minute."""
    embedder, library = load_embedder("embedded"), Library()
    images: NDArray[np.float32] = embedder.embed_images([library.image(i) for i in range(len(library))])

    def search(queries: list[str]) -> list[list[str]]:
        scores = embedder.embed_texts(queries) @ images.T
        return [[library.entries[i].concept for i in np.argsort(-row)[:K]] for row in scores]

    by_name = {concept.name: frozenset([concept.name]) for concept in library.concepts}
    return [
        *held_out(embedder, library),
        recall(f"recall@{K} by name, {len(images)} pictures", 0.95, by_name, search),
        recall(f"recall@{K} by paraphrase, {len(images)} pictures", 0.70, paraphrases(), search),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--misses", action="store_true", help="also list what was not found, and what was instead")
    args = parser.parse_args()
    for row in measure():
        verdict = "ok" if row.value >= row.target else "MISSED"
        print(f"{row.what:<58} {row.value:.3f} of {row.count} (wanted >= {row.target:.2f}) {verdict}")
        if args.misses:
            for miss in row.misses:
                print(f"    {miss}")


if __name__ == "__main__":
    main()
