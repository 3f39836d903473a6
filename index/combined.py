"""The bundled library, the user's own pictures and installed search services, searched as one."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain, zip_longest
from typing import TYPE_CHECKING

from imagerag.errors import InvalidArgument
from imagerag.index.base import PLAIN_SEARCH, Floor, Hit, ReferenceIndex, SearchOptions
from imagerag.index.bundled.chroma import ChromaIndex
from imagerag.index.user.ensemble import ModelEnsemble
from imagerag.index.user.store import UserPictures

if TYPE_CHECKING:
    from PIL import Image


class CombinedIndex:
    """A ``ReferenceIndex`` over the bundled library, the user's own pictures, and search services of plugins.

    Args:
        library: the library's index, if it is searched.
        user: the user's pictures, if they are searched; embedded by another model or by several, they are taken in turn
            with the library's.
        floor: similarity of the library's below which nothing is found, unless a search says otherwise.
        user_floor: the same of the user's pictures; ``floor`` unless given.
        diverse: how unlike each other the user's pictures are, unless a search says otherwise.
        services: further indexes, whose similarities mean something else; what they find is taken in turn.
    """

    def __init__(
        self,
        library: ChromaIndex | None,
        user: UserPictures | ModelEnsemble | None,
        floor: Floor = -1.0,
        user_floor: Floor | None = None,
        diverse: float = 0.0,
        services: Sequence[ReferenceIndex] = (),
    ) -> None:
        self.library = library
        self.user = user
        self.floor = floor
        self.user_floor = floor if user_floor is None else user_floor
        self.diverse = diverse
        self.services = tuple(services)
        self._comparable = (
            library is not None
            and isinstance(user, UserPictures)
            and user.embedder.model_id == library.embedder.model_id
        )

    @property
    def comparable(self) -> bool:
        """See ``OrdersItself``."""
        alone = self.library is None or self.user is None
        return not self.services and (self._comparable or alone)

    def search(self, captions: Sequence[str], k: int, options: SearchOptions = PLAIN_SEARCH) -> list[list[Hit]]:
        """See ``ReferenceIndex.search``: the nearest of all; cosines of one model are comparable.

        Near-duplicates among the user's pictures are folded unless the options say otherwise.
        """
        diverse = self.diverse if options.diverse is None else options.diverse
        fold = True if options.fold is None else options.fold
        floors = (self.user_floor, self.floor) if options.floor is None else (options.floor, options.floor)
        bundled: list[list[Hit]] = [[] for _ in captions]
        mine: list[list[Hit]] = [[] for _ in captions]
        if self.library is not None:
            bundled = self.library.search(captions, k, replace(options, floor=floors[1]))
        if self.user is not None:
            mine = self.user.search(captions, k, replace(options, floor=floors[0], fold=fold, diverse=diverse))
        others = [service.search(captions, k, options) for service in self.services]
        by_rank = options.fused or diverse or options.like or not self._comparable
        answers = []
        for place, (of_user, of_library) in enumerate(zip(mine, bundled, strict=True)):
            if by_rank:  # the order is not that of the similarities
                near = _in_turn([of_user, of_library])
            else:
                near = sorted([*of_user, *of_library], key=lambda hit: -hit.similarity)
            answers.append(_in_turn([near, *(found[place] for found in others)])[:k])
        return answers

    def image(self, sha256: str) -> Image.Image:
        """See ``ReferenceIndex.image``."""
        for index in (self.user, *self.services, self.library):
            if index is not None:
                with suppress(InvalidArgument):
                    return index.image(sha256)
        raise InvalidArgument(f"{sha256!r} is not the address of a picture in what is searched")


def _in_turn(lists: Sequence[Sequence[Hit]]) -> list[Hit]:
    """Return the best of each list, then the second of each, and so on."""
    return [hit for hit in chain.from_iterable(zip_longest(*lists)) if hit is not None]
