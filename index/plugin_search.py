"""A search service of a plugin, with the look-up floor of one of our own models over what it finds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from imagerag.errors import InvalidArgument
from imagerag.index.base import PLAIN_SEARCH, Floor, Hit, ReferenceIndex, SearchOptions
from imagerag.index.lookup_floor import hits_above
from imagerag.store.png import on_white

if TYPE_CHECKING:
    from PIL import Image

    from imagerag.embedders.calibration import LookupFloor
    from imagerag.embedders.clip import Embedder


class SearchService:
    """A ``ReferenceIndex`` that leaves out what a model finds too unlike the caption.

    A service answers every query with something, and what its own similarities mean is not known. So the pictures it
    finds are embedded here. Their order stays the service's.

    Args:
        service: of a plugin.
        embedder: the model that looks things up elsewhere, too.
        fit: returns the model's floor, asked by ``prepare``, or when something is found for the first time; ``None``
            where it can't be fitted, and nothing is left out.
        floor: unless a search says otherwise.
    """

    def __init__(
        self, service: ReferenceIndex, embedder: Embedder, fit: Callable[[], LookupFloor | None], floor: Floor
    ) -> None:
        self.service = service
        self.embedder = embedder
        self.floor = floor
        self._fit = fit

    def search(self, captions: Sequence[str], k: int, options: SearchOptions = PLAIN_SEARCH) -> list[list[Hit]]:
        """See ``ReferenceIndex.search``; a hit's similarity is the cosine that the floor was asked with.

        A picture that can't be opened is left out: it could not be drawn with, either.
        """
        floor = self.floor if options.floor is None else options.floor
        answers = self.service.search(captions, k, replace(options, floor=None))
        return [
            hits_above(floor, self._fitted, self.embedder, caption, self._measured(caption, hits)) if hits else []
            for caption, hits in zip(captions, answers, strict=True)
        ]

    def image(self, sha256: str) -> Image.Image:
        """See ``ReferenceIndex.image``."""
        return self.service.image(sha256)

    def prepare(self) -> None:
        """Fit the floor if searches ask for it, which takes as long as loading a model does."""
        if self.floor == "calibrated":
            _ = self._fitted

    @cached_property
    def _fitted(self) -> LookupFloor | None:
        return self._fit()

    def _measured(self, caption: str, hits: Sequence[Hit]) -> list[Hit]:
        """Return the hits with the model's cosines in place of the service's similarities."""
        shown = []
        for hit in hits:
            try:
                shown.append((hit, on_white(self.service.image(hit.sha256))))
            except InvalidArgument:
                continue
        if not shown:
            return []
        query = self.embedder.embed_texts([caption.strip()])[0]
        cosines = self.embedder.embed_images([picture for _, picture in shown]) @ query
        return [replace(hit, similarity=float(cosine)) for (hit, _), cosine in zip(shown, cosines, strict=True)]
