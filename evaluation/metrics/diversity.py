"""Diversity: how far the drawings of one prompt by one arm are apart that differ by their seeds alone.

The mean distance of all pairs, as in Zhu et al. 2017 (arXiv 1711.11586, section 5), who take LPIPS; told of each
drawing as its mean distance to the others, so that the mean over drawings is the mean over pairs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagerag.evaluation.metrics.base import MetricContext, Need, measurement
from imagerag.evaluation.metrics.image_distance import ImageDistance
from imagerag.evaluation.records import Drawing, Measurement, SuitePrompt

if TYPE_CHECKING:
    from PIL import Image


class Diversity:
    """The metric ``diversity``; ``None`` where a prompt has a single seed.

    Args:
        name: of the metric.
        distance: compares images.
        context: gives the drawings with other seeds.
    """

    needs: frozenset[Need] = frozenset(["seeds"])

    def __init__(self, name: str, distance: ImageDistance, context: MetricContext) -> None:
        self.name = name
        self.notes: dict[str, int] = {}
        self._distance = distance
        self._siblings = context.siblings

    def measure(self, drawing: Drawing, prompt: SuitePrompt, image: Image.Image) -> Measurement:
        """See ``Metric``."""
        others = list(self._siblings(drawing))
        if not others:
            return measurement(drawing, None)
        return measurement(drawing, float(self._distance.distances(image, self._distance.prepare(others)).mean()))
