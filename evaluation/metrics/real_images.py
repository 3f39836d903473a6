"""Likeness to real pictures of what was asked for, which the suite holds out; never to the references that were used.

A reference that is injected is copied, so that likeness to it says nothing: a real picture with the same pixels as a
reference of the drawing is left out, and told.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cachetools import LRUCache

from imagerag.evaluation.metrics.base import MetricContext, Need, count, measurement
from imagerag.evaluation.metrics.image_distance import ImageDistance
from imagerag.evaluation.records import Drawing, Measurement, SuitePrompt
from imagerag.store.manifest import address
from imagerag.store.picture_decoding import read_picture

if TYPE_CHECKING:
    from PIL import Image

KEPT = 64
"""Prompts whose real pictures stay prepared; a run goes through all arms and seeds of one before the next."""


class LikenessToReal:
    """The metrics ``dino``, ``clip-image``, ``lpips`` and ``dreamsim``: the mean over the real pictures.

    Args:
        name: of the metric.
        distance: compares images.
        value: makes the metric's value of a mean distance: 1 minus it where higher means more alike.
        context: knows where the suite's pictures are.
    """

    needs: frozenset[Need] = frozenset(["real images"])

    def __init__(
        self, name: str, distance: ImageDistance, value: Callable[[float], float], context: MetricContext
    ) -> None:
        self.name = name
        self.notes: dict[str, int] = {}
        self._distance = distance
        self._value = value
        self._data = context.data or Path()
        self._prepared: LRUCache[tuple[str, ...], tuple[list[str], Any]] = LRUCache(KEPT)

    def measure(self, drawing: Drawing, prompt: SuitePrompt, image: Image.Image) -> Measurement:
        """See ``Metric``."""
        if not prompt.images:
            return measurement(drawing, None)
        if prompt.images not in self._prepared:
            pictures = [read_picture(self._data / name) for name in prompt.images]
            addresses = [address(picture.tobytes(), picture.size, picture.mode) for picture in pictures]
            self._prepared[prompt.images] = addresses, self._distance.prepare(pictures)
        addresses, prepared = self._prepared[prompt.images]
        used = {reference.sha256 for reference in drawing.references}
        apart = [at for at, sha256 in enumerate(addresses) if sha256 not in used]
        if len(apart) < len(addresses):
            count(self.notes, "real pictures that a drawing had as a reference, left out", len(addresses) - len(apart))
        if not apart:
            return measurement(drawing, None)
        return measurement(drawing, self._value(float(self._distance.distances(image, prepared)[apart].mean())))
