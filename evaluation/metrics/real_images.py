"""Likeness to real pictures of what was asked for, which the suite holds out; never to the references that were used.

A reference that is injected is copied, so that likeness to it says nothing: a real picture with the same pixels as a
reference of the drawing is left out, and told.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cachetools import LRUCache

from imagerag.evaluation.metrics.base import MetricContext, Need, count, measurement
from imagerag.evaluation.metrics.image_distance import ImageDistance
from imagerag.evaluation.records import Drawing, Measurement, SuitePrompt, UsedReference
from imagerag.store.files import read_whole
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
        self._open = context.open_reference
        self._prepared: LRUCache[tuple[str, ...], tuple[list[set[str]], Any]] = LRUCache(KEPT)
        self._addresses: LRUCache[str, set[str]] = LRUCache(KEPT * 16)

    def measure(self, drawing: Drawing, prompt: SuitePrompt, image: Image.Image) -> Measurement:
        """See ``Metric``."""
        if not prompt.images:
            return measurement(drawing, None)
        if prompt.images not in self._prepared:
            read = [_read(self._data / name) for name in prompt.images]
            pictures = [picture for _, picture in read]
            self._prepared[prompt.images] = [known for known, _ in read], self._distance.prepare(pictures)
        known, prepared = self._prepared[prompt.images]
        used = set().union(*map(self._known_by, drawing.references))
        apart = [at for at, addresses in enumerate(known) if not addresses & used]
        if len(apart) < len(known):
            count(self.notes, "real pictures that a drawing had as a reference, left out", len(known) - len(apart))
        if not apart:
            return measurement(drawing, None)
        return measurement(drawing, self._value(float(self._distance.distances(image, prepared)[apart].mean())))

    def _known_by(self, reference: UsedReference) -> set[str]:
        """Return all that tells a reference's picture from others: its address, and that of its pixels."""
        if reference.sha256 not in self._addresses:
            picture = self._open(reference)
            pixels = set() if picture is None else {_of_pixels(read_picture(picture))}
            self._addresses[reference.sha256] = {reference.sha256} | pixels
        return self._addresses[reference.sha256]


def _read(file: Path) -> tuple[set[str], Image.Image]:
    """Return a picture with the addresses by which an index (of its bytes) and the store (of its pixels) know it.

    Raises:
        UserError: it can't be read as a picture.
    """
    picture = read_picture(file)
    return {hashlib.sha256(read_whole(file)).hexdigest(), _of_pixels(picture)}, picture


def _of_pixels(picture: Image.Image) -> str:
    return address(picture.tobytes(), picture.size, picture.mode)
