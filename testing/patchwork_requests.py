"""Drawing with the embedded generator."""

from typing import cast

import numpy as np
from numpy.typing import NDArray

from imagerag.assets.library import Library
from imagerag.generators.base import Drawing, DrawRequest, Reference
from imagerag.generators.patchwork import PatchworkGenerator

SIZE, STEPS = 64, 10


def picture(library: Library, concept: str, stands_for: str | None = None) -> Reference:
    row = library.by_concept[concept][0]
    stands_for = concept if stands_for is None else stands_for
    return Reference(library.image(row), stands_for, sha256=library.entries[row].sha256)


def pixels(drawing: Drawing) -> NDArray[np.float64]:
    return np.asarray(drawing.image, dtype=np.float64) / 255


Box = tuple[int, int, int, int]


def objects(drawing: Drawing) -> list[dict[str, object]]:
    found = drawing.facts["objects"]
    assert isinstance(found, list)
    return found


def boxes(patchwork: PatchworkGenerator, prompt: str) -> list[Box]:
    return [
        cast("Box", tuple(cast("list[int]", thing["box"])))
        for thing in objects(patchwork.draw(DrawRequest(prompt, (1,)))[0])
    ]
