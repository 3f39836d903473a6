"""The bundled library and the own pictures, searched as one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from imagerag.errors import InvalidArgument
from imagerag.index.chroma import ChromaIndex
from imagerag.index.own.filters import Condition, all_hold
from imagerag.index.own.pictures import OwnPictures
from imagerag.index.references import Hit

if TYPE_CHECKING:
    from PIL import Image


class TogetherIndex:
    """A ``ReferenceIndex`` over the bundled library and the person's own pictures.

    Args:
        library: the library's index.
        own: the own pictures, embedded by the same model.
    """

    def __init__(self, library: ChromaIndex, own: OwnPictures) -> None:
        self.library = library
        self.own = own

    def search(
        self,
        captions: Sequence[str],
        k: int,
        *,
        exclude: Collection[str] = (),
        where: Sequence[Condition] = (),
    ) -> list[list[Hit]]:
        """See ``ReferenceIndex.search``: the nearest of both; cosines of one model are comparable."""
        bundled = self.library.search(captions, k, exclude=exclude)
        own = self.own.search(captions, k, exclude=exclude, where=where)
        return [
            sorted([*mine, *theirs], key=lambda hit: -hit.similarity)[:k]
            for mine, theirs in zip(own, bundled, strict=True)
        ]

    def image(self, sha256: str) -> Image.Image:
        """See ``ReferenceIndex.image``."""
        try:
            return self.own.image(sha256)
        except InvalidArgument:
            return self.library.image(sha256)


__all__ = ["TogetherIndex", "all_hold"]
