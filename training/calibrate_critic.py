"""Fit the embedded critic and the library's floor, on the half ``dev`` alone; writes ``assets/clip/critic.json``.

The critic is fitted on drawings of known truth, the floor on what the library answers to concepts that it lacks.

    python -m training.calibrate_critic [--floor]
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.cases import by_hash
from benchmarks.truth import questions
from imagerag.assets import asset
from imagerag.assets.library import Library
from imagerag.embedders.calibration import (
    FALSE_POSITIVES,
    Calibration,
    LookupFloor,
    Presence,
    bundled_calibration,
)
from imagerag.embedders.clip import Embedder
from imagerag.embedders.registry import embedded_clip
from imagerag.embedders.window_evidence import Exemplars, WindowEvidence
from imagerag.generators.registry import load_generator
from imagerag.index.bundled.chroma import LOOKED_AT
from imagerag.index.captions import carries, content_words
from imagerag.index.presence_fit import Question, fit_presence, measure
from imagerag.index.synonyms import synonym_cosine
from imagerag.index.word_vectors import ConceptWords

SEEDS = 3
"""Drawings of each question: a few constants, but the wrong answers are few as well."""


def floor_queries(library: Library, half: Literal["dev", "test"]) -> list[str]:
    """Return the concepts of one half, in the order of their hash: what the floor is fitted on, or measured on."""
    names = by_hash("floor", (concept.name for concept in library.concepts))
    return names[::2] if half == "dev" else names[1::2]


def best_scores(
    library: Library, embedder: Embedder, pictures: NDArray[Any], queries: Sequence[str], lacking: bool
) -> NDArray[Any]:
    """Return what the floor is held against of each query's best match, (queries,); infinite where words count alone.

    Args:
        library, embedder, pictures: what is searched, by what, and its (n, d) embeddings.
        queries: names of concepts.
        lacking: search what the library would be without the concept and all that may pass for it: what has a keyword
            or a word of the name in common, as people have chosen them, since the model's own likeness is measured.
    """
    names = [concept.name for concept in library.concepts]
    place = {name: at for at, name in enumerate(names)}
    shows = np.array([place[entry.concept] for entry in library.entries])
    vectors = library.stored_word_vectors(embedder.model_id)
    assert vectors is not None, "run training.embed_words first"
    words = ConceptWords(names, vectors)
    also_said = {name: (name, *keywords, *library.synonyms.get(name, ())) for name, *keywords in library.said}
    meanings = [{concept.name, *concept.keywords, *content_words(concept.name)} for concept in library.concepts]
    best = []
    for query, vector in zip(queries, embedder.embed_texts(list(queries)), strict=True):
        cosines = pictures @ vector
        if lacking:
            alike = np.array([not meanings[place[query]].isdisjoint(meaning) for meaning in meanings])
            cosines = np.where(alike[shows], -1.0, cosines)
        nearest = np.argsort(-cosines)[:LOOKED_AT]
        found = {names[at] for at in shows[nearest]}
        named = any(carries(query, word) for name in found for word in also_said[name])
        likeness = words.likeness(vector, [names[at] for at in shows[nearest]], cosines[nearest])
        best.append(np.inf if named else likeness.max())
    return np.array(best)


def fit_library_floor(library: Library, embedder: Embedder, pictures: NDArray[Any]) -> LookupFloor:
    """Return the floor of the bundled library: what it answers to concepts of the half ``dev`` once it lacks them."""
    queries = floor_queries(library, "dev")
    lacking = best_scores(library, embedder, pictures, queries, lacking=True)
    value = float(np.quantile(lacking, 1 - FALSE_POSITIVES))
    kept = float((best_scores(library, embedder, pictures, queries, lacking=False) >= value).mean())
    return LookupFloor("words", round(value, 4), kept=round(kept, 4))


def main() -> None:
    """Draw, look, fit, and write the constants."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--floor", action="store_true", help="fit the floor alone, and leave the critic as it is")
    chosen = options.parse_args()
    library, embedder = Library(), embedded_clip()
    pictures = library.stored_embeddings(embedder.model_id)
    assert pictures is not None, "run training.embed_library first"
    floor = fit_library_floor(library, embedder, pictures)
    if chosen.floor:
        record = replace(bundled_calibration(), floor=floor, shows="pictograms")
    else:
        presence, asked = fit_critic(library, embedder, pictures)
        record = Calibration(embedder.model_id, "pictograms", asked, len(library), presence, floor, shows="pictograms")
    path = asset("clip") / "critic.json"
    path.write_bytes(record.to_json())
    print(f"wrote {path.name}: {record}")


def fit_critic(library: Library, embedder: Embedder, pictures: NDArray[Any]) -> tuple[Presence, int]:
    """Return the embedded critic's constants, and on how many drawings of known truth they were fitted."""
    names = [concept.name for concept in library.concepts]
    exemplars = Exemplars(pictures, [entry.concept for entry in library.entries])
    asked = [
        question
        for again in range(SEEDS)
        for question in questions(load_generator("patchwork"), embedder, library, "dev", known=80, again=again)
    ]
    there = np.array([question.there for question in asked], float)
    eyes = WindowEvidence(embedder, names, exemplars)
    synonym = synonym_cosine(eyes.names, eyes.bank)
    looked = [Question(eyes.see(q.image), q.concept, q.there, at) for at, q in enumerate(asked)]
    best: tuple[float, Presence] | None = None
    for temperature in (20.0, 30.0, 45.0, 65.0):
        raw = measure(eyes, looked, temperature, synonym)
        # the regressions are taken at their word, as the critic's figures were measured
        presence = replace(fit_presence(raw, there, temperature, synonym), logits=(), frequencies=(), absent=())
        p = presence.probabilities(list(raw.T))
        loss = float(-np.mean(there * np.log(p) + (1 - there) * np.log(1 - p)))
        right = float(np.mean((p >= 0.5) == there))
        print(f"temperature {temperature:g}: loss {loss:.3f}, right on {right:.1%} of {len(asked)}", flush=True)
        if best is None or loss < best[0]:
            best = loss, presence
    assert best is not None
    return best[1], len(asked)


if __name__ == "__main__":
    main()
