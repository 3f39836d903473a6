"""Over-copying: how close a drawing comes to the nearest of the references that it was drawn with, as a whole or around
its subject.

A drawing should have the concept of a reference, not its surroundings. Likeness as a whole rises with both; likeness of
the background alone, patches that are not the subject's in either, rises with what should not be copied. Compare it
with the same of an arm without references: photographs of a kind have like backgrounds anyway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from imagerag.evaluation.metrics.base import MetricContext, Need, count, measurement
from imagerag.evaluation.metrics.foreground import foreground
from imagerag.evaluation.metrics.image_distance import ImageDistance
from imagerag.evaluation.metrics.vision_model import VisionModel
from imagerag.evaluation.records import Drawing, Measurement, SuitePrompt

if TYPE_CHECKING:
    from PIL import Image

GONE = "references whose pixels are not kept, left out"
KEPT = 256
"""References whose background stays known."""


class Copying:
    """The metric ``copying``: 1 minus the distance to the nearest reference; ``parts`` have it by what each shows.

    Args:
        name: of the metric.
        distance: compares images.
        context: opens references.
    """

    needs: frozenset[Need] = frozenset(["references"])

    def __init__(self, name: str, distance: ImageDistance, context: MetricContext) -> None:
        self.name = name
        self.notes: dict[str, int] = {}
        self._distance = distance
        self._open = context.open_reference

    def measure(self, drawing: Drawing, prompt: SuitePrompt, image: Image.Image) -> Measurement:
        """See ``Metric``."""
        found = [(reference.concept, self._open(reference)) for reference in drawing.references]
        pictures = [(concept, picture) for concept, picture in found if picture is not None]
        if len(pictures) < len(found):
            count(self.notes, GONE, len(found) - len(pictures))
        if not pictures:
            return measurement(drawing, None)
        prepared = self._distance.prepare([picture for _, picture in pictures])
        near = 1.0 - self._distance.distances(image, prepared)
        return measurement(drawing, float(near.max()), _nearest([concept for concept, _ in pictures], near.tolist()))


class BackgroundCopying:
    """The metric ``copying-background``: the cosine of both backgrounds' mean features, for the nearest reference.

    Args:
        name: of the metric.
        model: gives features of patches.
        context: opens references.
    """

    needs: frozenset[Need] = frozenset(["references"])

    def __init__(self, name: str, model: VisionModel, context: MetricContext) -> None:
        self.name = name
        self.notes: dict[str, int] = {}
        self._model = model
        self._open = context.open_reference
        self._known: LRUCache[str, NDArray[np.float32]] = LRUCache(KEPT)

    def measure(self, drawing: Drawing, prompt: SuitePrompt, image: Image.Image) -> Measurement:
        """See ``Metric``."""
        around: list[tuple[str, NDArray[np.float32]]] = []
        for reference in drawing.references:
            if reference.sha256 not in self._known:
                picture = self._open(reference)
                if picture is None:
                    count(self.notes, GONE)
                    continue
                self._known[reference.sha256] = self._background(picture)
            around.append((reference.concept, self._known[reference.sha256]))
        if not around:
            return measurement(drawing, None)
        here = self._background(image)
        near = [float(here @ there) for _, there in around]
        return measurement(drawing, max(near), _nearest([concept for concept, _ in around], near))

    def _background(self, image: Image.Image) -> NDArray[np.float32]:
        """Return the (d,) unit mean of the features around the subject."""
        features, _ = self._model.patches(image)
        mean: NDArray[np.float32] = features[~foreground(features)].mean(0)
        return mean / max(float(np.linalg.norm(mean)), 1e-12)


def _nearest(concepts: list[str], near: list[float]) -> dict[str, float]:
    """Return the greatest likeness by concept: several references may show one."""
    found: dict[str, float] = {}
    for concept, value in zip(concepts, near, strict=True):
        found[concept] = max(value, found.get(concept, value))
    return found
