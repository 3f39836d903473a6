"""Drawings whose truth is known, to measure the critic by: what the generator really drew, asked about one concept.

Half of the questions are about something that is there. Of the other half, some ask for a concept that the base set
lacks, where the generator drew its nearest neighbours (a hallucination), some for a near neighbour of what was drawn.
"""

from collections.abc import Iterator
from functools import partial
from typing import Literal, NamedTuple

import numpy as np
from PIL import Image

from benchmarks.cases import Case, by_hash, known_cases, lacking_cases
from imagerag.assets.library import Library
from imagerag.embedders.clip import Embedder
from imagerag.generators.base import DrawRequest, Generator, Reference

SYNONYM = 0.6
"""Cosine of two names from which on one may pass for the other; such pairs are never asked about."""

NEAR = 8
"""A wrong answer is one of this many nearest names below ``SYNONYM``."""


class Question(NamedTuple):
    """One image, one concept, and the truth.

    Attributes:
        image: RGB, as the generator drew it.
        concept: asked for.
        there: whether it was drawn.
        kind: how the question came about.
    """

    image: Image.Image
    concept: str
    there: bool
    kind: Literal["drawn", "drawn from references", "hallucinated", "neighbour drawn"]


def questions(
    generator: Generator,
    embedder: Embedder,
    library: Library,
    half: Literal["dev", "test"],
    known: int = 160,
    again: int = 0,
) -> Iterator[Question]:
    """Draw and ask: ``known`` questions about known concepts, two about each lacking concept, alone and in pairs.

    ``again`` asks the same questions about drawings under other seeds.
    """
    draw = partial(_draw, generator, 1001 * again)
    names = by_hash("neighbour", {entry.concept for entry in library.entries})
    vectors = embedder.embed_texts(names)
    for place, case in enumerate(known_cases(library, half, known)):
        image = draw(case)
        if place % 4 < 2:
            yield Question(image, case.wanted, True, "drawn")
        else:
            cosines = vectors @ vectors[names.index(case.wanted)]
            if case.beside:
                cosines = np.maximum(cosines, vectors @ vectors[names.index(case.beside)])
            near = [int(i) for i in np.argsort(-cosines) if cosines[i] < SYNONYM][:NEAR]
            yield Question(image, names[near[case.seed % NEAR]], False, "neighbour drawn")
    for pairs in (False, True):
        for place, case in enumerate(lacking_cases(library, half, pairs)):
            if (place + pairs) % 2:
                yield Question(draw(case), case.wanted, False, "hallucinated")
            else:
                rows = library.by_concept[case.wanted][:2]
                references = tuple(Reference(library.image(i), case.wanted) for i in rows)
                yield Question(draw(case, references), case.wanted, True, "drawn from references")


def _draw(generator: Generator, shift: int, case: Case, references: tuple[Reference, ...] = ()) -> Image.Image:
    scale = 0.95 if references else 0.0
    return generator.draw(DrawRequest(case.prompt, ((case.seed + shift) % 2**32,), references, scale))[0].image
