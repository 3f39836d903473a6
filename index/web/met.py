"""The Metropolitan Museum of Art (https://metmuseum.github.io/): what is marked as public domain is CC0 there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from imagerag.index.web.answers import LONGEST_NAME, at, plain_text, web_address
from imagerag.index.web.candidates import Ask, Candidate, SourceFailed, WebQuery
from imagerag.licences import UNKNOWN, licence_link

ADDRESS = "https://collectionapi.metmuseum.org"
MOST_OBJECTS = 10
"""Objects that are asked for, each by a request of its own."""
OPEN_ACCESS = "CC0-1.0"
"""Of the pictures of works in the public domain: https://www.metmuseum.org/policies/open-access"""


class Met:
    """See the module.

    Args:
        address: of the service, or of a mirror.
        address_is_set: whether the person has set it.
    """

    name = "met"

    def __init__(self, address: str = ADDRESS, address_is_set: bool = False) -> None:
        self.address = address.rstrip("/")
        self.address_is_set = address_is_set

    async def search(self, ask: Ask, query: WebQuery) -> Sequence[Candidate]:
        """See ``WebSource``; it knows of no safe results."""
        base = f"{self.address}/public/collection/v1"
        answer = await ask(f"{base}/search", {"hasImages": "true", "q": query.words})
        ids = at(answer, "objectIDs")
        if ids is None and isinstance(answer, dict) and answer.get("total") == 0:
            return []
        if not isinstance(ids, list):
            raise SourceFailed(
                f"the web source {self.name!r} answers without objectIDs; it may have changed, or its address be that "
                "of another service",
                f"the web source {self.name!r} answers with what can't be read",
            )
        each = min(query.count, MOST_OBJECTS)
        numbers = list(dict.fromkeys(number for number in ids if isinstance(number, int)))
        wanted = numbers[(query.page - 1) * each : query.page * each]
        told = await asyncio.gather(*(ask(f"{base}/objects/{number}") for number in wanted), return_exceptions=True)
        if told and all(isinstance(one, SourceFailed) for one in told):
            raise next(one for one in told if isinstance(one, SourceFailed))
        for one in told:
            if isinstance(one, BaseException) and not isinstance(one, SourceFailed):
                raise one
        return [found for one in told if (found := _candidate(one)) is not None]


def _candidate(told: Any) -> Candidate | None:
    small, full = web_address(at(told, "primaryImageSmall")), web_address(at(told, "primaryImage"))
    if not small and not full:
        return None
    licence = OPEN_ACCESS if at(told, "isPublicDomain") is True else UNKNOWN
    more = [plain_text(at(told, name)) for name in ("objectName", "medium", "culture")]
    tags = at(told, "tags")  # what is seen on it; null where nobody has said
    more += [plain_text(at(tag, "term")) for tag in (tags if isinstance(tags, list) else [])]
    who = " ".join(text for name in ("artistPrefix", "artistDisplayName") if (text := plain_text(at(told, name))))
    return Candidate(
        source="The Metropolitan Museum of Art",
        small=small or full,
        full=small or full,  # some 1000 pixels wide; the other one may have a hundred megapixels
        title=plain_text(at(told, "title")),
        licence=licence,
        creator=plain_text(who, LONGEST_NAME),  # such as "Attributed to" somebody
        licence_link=licence_link(licence),
        link=web_address(at(told, "objectURL")),
        words=tuple(dict.fromkeys(text for text in more if text)),
    )
