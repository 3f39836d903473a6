"""A search service of a plugin, of whose finds the operator's checks let only some through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from imagerag.errors import InvalidArgument
from imagerag.index.base import PLAIN_SEARCH, Hit, ReferenceIndex, SearchOptions
from imagerag.store.moderation import is_moderated, refusal

if TYPE_CHECKING:
    from PIL import Image


class ModeratedService:
    """A ``ReferenceIndex`` that leaves out what ``imagerag.store.moderation`` refuses.

    Args:
        service: of a plugin.
        name: by which the settings name it.
    """

    def __init__(self, service: ReferenceIndex, name: str) -> None:
        self._service = service
        self._name = name
        self._known: dict[str, str] = {}

    def search(self, captions: Sequence[str], k: int, options: SearchOptions = PLAIN_SEARCH) -> list[list[Hit]]:
        """See ``ReferenceIndex.search``; what is left out is told, and so is what can't be opened, since nothing may be
        shown unchecked.
        """
        kept = []
        for hits in self._service.search(captions, k, options):
            shown = []
            for hit in hits:
                if reason := self._refusal(hit.sha256):
                    options.tell(f"a picture of {self._name} is not used, since it may not be shown ({reason})")
                else:
                    shown.append(hit)
            kept.append(shown)
        return kept

    def image(self, sha256: str) -> Image.Image:
        """See ``ReferenceIndex.image``.

        Raises:
            InvalidArgument: also where it may not be shown.
        """
        if reason := self._refusal(sha256):
            raise InvalidArgument(f"{sha256!r} may not be shown ({reason})")
        return self._service.image(sha256)

    def _refusal(self, sha256: str) -> str:
        if not is_moderated():
            return ""
        if sha256 not in self._known:
            try:
                self._known[sha256] = refusal(self._service.image(sha256), "fetched")
            except InvalidArgument as error:
                return str(error)
        return self._known[sha256]
