"""The bundled library and the own pictures, searched as one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import chain, zip_longest
from typing import TYPE_CHECKING

from imagerag.errors import InvalidArgument
from imagerag.index.base import Hit
from imagerag.index.bundled.chroma import ChromaIndex
from imagerag.index.user.ensemble import ModelEnsemble
from imagerag.index.user.filters import Condition, all_hold
from imagerag.index.user.store import UserPictures

if TYPE_CHECKING:
    from PIL import Image


FLOOR = 0.45
"""Cosine of the embedded CLIP below which the agent is given nothing: a bad reference harms. Of the library's 1,614
names none finds less than 0.69, of 136 paraphrases 5 in 100 do less than this; made-up words find 0.3 to 0.4."""


class CombinedIndex:
    """A ``ReferenceIndex`` over the bundled library and the person's own pictures.

    Args:
        library: the library's index.
        own: the own pictures; embedded by another model or by several, they are taken in turn with the library's.
        floor: similarity below which nothing is found, unless a search says otherwise.
        diverse: how unlike each other own pictures are, unless a search says otherwise; see ``UserPictures.search``.
        own_floor: the same of own pictures, if their similarities are another model's.
    """

    def __init__(
        self,
        library: ChromaIndex,
        own: UserPictures | ModelEnsemble,
        floor: float = -1.0,
        own_floor: float | None = None,
        diverse: float = 0.0,
    ) -> None:
        self.library = library
        self.own = own
        self.floor = floor
        self.own_floor = floor if own_floor is None else own_floor
        self.diverse = diverse
        self._comparable = isinstance(own, UserPictures) and own.embedder.model_id == library.embedder.model_id

    def search(
        self,
        captions: Sequence[str],
        k: int,
        *,
        exclude: Collection[str] = (),
        where: Sequence[Condition] = (),
        fused: bool | None = None,
        fold: bool = True,
        diverse: float | None = None,
        like: Image.Image | None = None,
        floor: float | None = None,
    ) -> list[list[Hit]]:
        """See ``ReferenceIndex.search``: the nearest of both; cosines of one model are comparable.

        Args:
            captions, k, exclude: see there.
            where: conditions that must hold, of the library's pictures, too.
            fused, fold, diverse, like: of the own pictures; see ``UserPictures.search``.
            floor: instead of the index's own.
        """
        keep = all_hold(where) if where else None
        diverse = self.diverse if diverse is None else diverse
        bundled = self.library.search(captions, k, exclude=exclude, keep=keep)
        own = self.own.search(
            captions, k, exclude=exclude, where=where, fused=fused, fold=fold, diverse=diverse, like=like
        )
        floors = (self.own_floor, self.floor) if floor is None else (floor, floor)
        answers = []
        for mine, theirs in zip(own, bundled, strict=True):
            mine = [hit for hit in mine if hit.similarity >= floors[0]]
            theirs = [hit for hit in theirs if hit.similarity >= floors[1]]
            if fused or diverse or like or not self._comparable:  # the order is not that of the similarities
                hits = list(chain.from_iterable(zip_longest(mine, theirs)))
            else:
                hits = sorted([*mine, *theirs], key=lambda hit: -hit.similarity)
            answers.append([hit for hit in hits if hit is not None][:k])
        return answers

    def image(self, sha256: str) -> Image.Image:
        """See ``ReferenceIndex.image``."""
        try:
            return self.own.image(sha256)
        except InvalidArgument:
            return self.library.image(sha256)
