"""A concept's words beside its pictures: one by one, and as one text."""

from pathlib import Path

import numpy as np
import pytest

from imagerag.assets.library import Library, bundled_library
from imagerag.embedders.clip import embedded_model_id
from imagerag.embedders.registry import embedded_clip
from imagerag.index.word_vectors import ConceptWords, words_embedded
from testing.colour_library import ColourEmbedder, write_library


def test_the_likeness_is_the_mean_of_the_picture_the_words_and_their_text() -> None:
    embedder = ColourEmbedder()
    query, red, blue, text = embedder.embed_texts(["green", "red", "blue", "red, blue"])
    mean = (red + blue) / np.linalg.norm(red + blue)
    vectors = words_embedded(embedder, [("red", "blue"), ("red",)])
    assert vectors @ query == pytest.approx([(mean @ query + text @ query) / 2, red @ query], abs=1e-6)
    found = ConceptWords(["both", "one"], vectors).likeness(query, ["one", "both", "one"], [0.9, 0.5, 0.1])
    one = float(red @ query)
    assert found == pytest.approx([(0.9 + 2 * one) / 3, (0.5 + mean @ query + text @ query) / 3, (0.1 + 2 * one) / 3])


def test_the_library_brings_its_own_words_for_its_own_model(tmp_path: Path) -> None:
    library = bundled_library()
    stored = library.stored_word_vectors(embedded_model_id())
    assert stored is not None
    assert stored.shape == (len(library.concepts), 384)
    assert np.linalg.norm(stored, axis=1).max() < 1.001
    assert library.stored_word_vectors("another model") is None
    write_library(tmp_path / "library.parquet", 5)
    assert Library(tmp_path / "library.parquet").stored_word_vectors(embedded_model_id()) is None


@pytest.mark.slow
def test_what_it_brings_is_what_the_model_says() -> None:
    library = bundled_library()
    stored = library.stored_word_vectors(embedded_model_id())
    assert stored is not None
    np.testing.assert_allclose(words_embedded(embedded_clip(), library.said[::200]), stored[::200], atol=2e-3)
