"""What a model's scores look like where nothing is there: everyday names against a few bundled pictures.

It serves where there is no library to calibrate on. What comes of it is a false positive rate, never a probability.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imagerag.assets.library import Library, bundled_library
from imagerag.embedders.calibration import Calibration, LookupFloor, Presence
from imagerag.embedders.window_evidence import COARSE, WindowEvidence
from imagerag.index.captions import CaptionWords, common_names
from imagerag.index.floor_fit import best_matches, fit_floor
from imagerag.index.presence_fit import absent_scores
from imagerag.index.synonyms import synonym_cosine
from imagerag.store.png import on_white

if TYPE_CHECKING:
    from imagerag.embedders.clip import Embedder

TEMPERATURE = 100.0
"""Of a model that does not tell its own: the most that CLIP was trained with (A. Radford et al., ICML 2021)."""
PICTURES = 24
"""Bundled pictures that are looked at: ten seconds with ViT-B-32 on a CPU."""
NAMES_ASKED = 100
"""Everyday names that are asked for in each picture."""


def null_calibration(embedder: Embedder) -> Calibration:
    """Return the calibration of a model on the committed names and pictures."""
    library, rows, shown = _pictures()
    names = list(common_names())
    eyes = WindowEvidence(embedder, names, cut=COARSE)
    synonym = synonym_cosine(names, eyes.bank)
    temperature = temperature_of(embedder)
    alike = _alike(eyes.bank, embedder.embed_texts(shown), names, shown, synonym)
    random = np.random.default_rng(0)
    scores: list[Any] = []
    whole = []
    for place, row in enumerate(rows):
        asked = [at for at in random.permutation(len(names)) if not alike[at, place]][:NAMES_ASKED]
        seen = eyes.see(on_white(library.image(row)))
        whole.append(seen[0])
        scores.append(np.stack(eyes.evidence(seen, [names[at] for at in asked], temperature, synonym), axis=1))
    presence = Presence(temperature, synonym, absent=absent_scores(np.concatenate(scores)))
    floor = _floor(eyes.bank, np.stack(whole), alike)
    return Calibration(embedder.model_id, "names", 0, len(rows), presence, floor)


def null_floor(embedder: Embedder) -> LookupFloor | None:
    """Return the look-up floor of a model on the committed names and pictures, as ``null_calibration`` fits it.

    It looks at whole pictures alone, so that it takes a tenth of the time.
    """
    library, rows, shown = _pictures()
    names = list(common_names())
    queries = embedder.embed_texts(names)
    alike = _alike(queries, embedder.embed_texts(shown), names, shown, synonym_cosine(names, queries))
    images = embedder.embed_images([on_white(library.image(row)) for row in rows])
    return _floor(queries, images, alike)


def temperature_of(embedder: Embedder) -> float:
    """Return what a model's cosines are multiplied by before a softmax, as it was trained."""
    return round(float(getattr(embedder, "logit_scale", TEMPERATURE)), 4)


def _pictures() -> tuple[Library, list[int], list[str]]:
    """Return the library, the rows that are looked at, the same ones always, and what each shows."""
    library = bundled_library()
    rows = sorted(range(len(library)), key=lambda row: hashlib.sha256(library.entries[row].sha256.encode()).digest())
    rows = rows[:PICTURES]
    return library, rows, [library.entries[row].concept for row in rows]


def _alike(
    names_embedded: NDArray[np.float32],
    shown_embedded: NDArray[np.float32],
    names: list[str],
    shown: list[str],
    synonym: float,
) -> NDArray[np.bool_]:
    """Tell which names may be there in which pictures, (names, pictures): by their words, or to the model."""
    alike: NDArray[np.bool_] = names_embedded @ shown_embedded.T >= synonym
    words = CaptionWords(shown)
    for at, name in enumerate(names):
        alike[at, words.related(name)] = True
    return alike


def _floor(queries: NDArray[np.float32], images: NDArray[np.float32], alike: NDArray[np.bool_]) -> LookupFloor | None:
    every = np.arange(len(images))
    related = [np.flatnonzero(row) for row in alike]
    nothing = [np.empty(0, np.int64)] * len(queries)
    return fit_floor(queries, best_matches(queries, [(every, images)], related, nothing, len(images)))
