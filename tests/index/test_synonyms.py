"""From which cosine on two names say one thing."""

import numpy as np
import pytest

from imagerag.assets.library import bundled_library
from imagerag.embedders.calibration import bundled_calibration
from imagerag.index.captions import common_names
from imagerag.index.synonyms import namesake_share, synonym_cosine


def test_as_many_pairs_are_that_alike_as_say_one_thing_by_their_words() -> None:
    names = ["cat", "the cat face", "dog", "hot dog", "owl", "of the", *(f"thing {letter}x" for letter in "abcd")]
    pairs = len(names) * (len(names) - 1) / 2
    assert namesake_share(names) == pytest.approx((2 + 0.5) / (pairs + 1)), "cat and cat face, dog and hot dog"
    rows = np.eye(len(names), dtype=np.float32)
    for one, other in ((0, 1), (2, 4), (6, 7)):  # which pairs are alike is the model's own
        rows[other] = rows[one] * 0.9 + rows[other] * np.sqrt(1 - 0.9**2)
    assert 0 < synonym_cosine(names, rows) <= 0.9, "the third pair that is alike, and half of it"
    assert synonym_cosine(names, np.eye(len(names), dtype=np.float32)) == 0


def test_names_without_a_word_in_common_leave_the_most_alike_pair() -> None:
    rows = np.eye(20, dtype=np.float32)
    rows[1] = rows[0] * 0.9 + rows[1] * np.sqrt(1 - 0.9**2)
    assert 0 < synonym_cosine([f"word{'xyz'[at % 3]}{at}" for at in range(20)], rows) < 0.9


def test_each_vocabulary_has_a_share_of_its_own() -> None:
    library = [concept.name for concept in bundled_library().concepts]
    assert namesake_share(library) == pytest.approx(0.00059, abs=2e-5)
    assert namesake_share(common_names()) == pytest.approx(0.00017, abs=2e-5)
    assert bundled_calibration().presence.synonym == pytest.approx(0.76, abs=0.005)
