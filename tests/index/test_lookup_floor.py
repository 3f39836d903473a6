"""Hits above a cosine, above the fitted floor, and those whose words are the caption's."""

from pathlib import Path

from imagerag.embedders.calibration import LookupFloor
from imagerag.index.base import Hit
from imagerag.index.lookup_floor import hits_above
from imagerag.index.word_vectors import ConceptWords, words_embedded
from testing.colour_library import ColourEmbedder


def hit(title: str, similarity: float) -> Hit:
    return Hit("0" * 64, Path("x.png"), title, (title,), similarity, "", "", "own")


HITS = [hit("red square", 0.9), hit("blue square", 0.5), hit("a green square", 0.1)]
FITTED = LookupFloor("cosine", 0.6)


def titles(hits: list[Hit]) -> list[str]:
    return [one.title for one in hits]


def test_without_a_floor_or_a_fit_everything_is_found() -> None:
    assert hits_above(None, FITTED, ColourEmbedder(), "red", HITS) == HITS
    assert hits_above("calibrated", None, ColourEmbedder(), "red", HITS) == HITS


def test_a_cosine_counts_alone() -> None:
    assert titles(hits_above(0.5, FITTED, ColourEmbedder(), "green square", HITS)) == ["red square", "blue square"]


def test_the_words_of_the_caption_count_beside_the_fitted_floor() -> None:
    found = hits_above("calibrated", FITTED, ColourEmbedder(), "green squares", HITS)
    assert titles(found) == ["red square", "a green square"]


def test_a_floor_of_words_asks_the_words_beside_the_pictures() -> None:
    by_words = LookupFloor("words", 0.6)
    embedder = ColourEmbedder()
    said = [one.title for one in HITS]
    words = ConceptWords(said, words_embedded(embedder, [(title,) for title in said]))
    assert titles(hits_above("calibrated", by_words, embedder, "very blue", HITS, words)) == ["blue square"]
    assert titles(hits_above("calibrated", by_words, embedder, "very blue", HITS)) == ["red square"]
