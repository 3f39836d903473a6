"""Wikimedia Commons, by the API of MediaWiki (https://www.mediawiki.org/wiki/API:Imageinfo)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from imagerag.index.web.answers import LONGEST_NAME, at, plain_text, rows_at, web_address
from imagerag.index.web.candidates import Ask, Candidate, RobotsPolicy, SourceFailed, WebQuery
from imagerag.licences import UNKNOWN, licence_link, normalised

ADDRESS = "https://commons.wikimedia.org"
SMALL, FULL = 330, 960
"""Widths in pixels among the standard ones of Wikimedia's thumbnails; others are refused, with status 429
(https://www.mediawiki.org/wiki/Common_thumbnail_sizes)."""
PAGE = 20
SHOWABLE = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
"""Kinds of files that are decoded here; of others, such as drawings in SVG, there are thumbnails in one of these."""
VECTOR = "image/svg+xml"
_WIDTH = re.compile(rf"/((?:loss(?:y|less)-)?(?:page\d+-)?){SMALL}px-(?=[^/]*$)")
"""The width in a thumbnail's address; those of TIFF have more before it, and without it the file itself is meant, which
may have hundreds of MB.
"""
_ENDING = re.compile(r"\.[A-Za-z0-9]{2,5}$")
_SYNTAX = re.compile(r"[^\w\s'-]|(?<!\w)[-']|[-'](?!\w)")
"""What means something to CirrusSearch: quotes, ``-word``, ``insource:``."""


class Commons:
    """See the module.

    Args:
        address: of the wiki, or of a mirror; ``/w/api.php`` is below it.
        address_is_set: whether the person has set it.
    """

    name = "commons"
    robots: RobotsPolicy = "named"
    """It keeps search engines from ``/w/``; the API there is published for programs that say who they are
    (https://www.mediawiki.org/wiki/API:Etiquette)."""

    def __init__(self, address: str = ADDRESS, address_is_set: bool = False) -> None:
        self.address = address.rstrip("/")
        self.address_is_set = address_is_set

    async def search(self, ask: Ask, query: WebQuery) -> Sequence[Candidate]:
        """See ``WebSource``; the wiki knows of no safe results."""
        parameters = {
            "action": "query",
            "format": "json",
            "formatversion": "2",
            "generator": "search",
            "gsrsearch": f"{' '.join(_SYNTAX.sub(' ', query.words).split())} filetype:bitmap|drawing",
            "gsrnamespace": "6",
            "gsrlimit": str(min(query.count, PAGE)),
            "gsroffset": str((query.page - 1) * min(query.count, PAGE)),
            "prop": "imageinfo",
            "iiprop": "url|size|mime|extmetadata",
            "iiurlwidth": str(SMALL),
            "iiextmetadatafilter": "LicenseShortName|LicenseUrl|License|Artist|ObjectName|ImageDescription|NonFree",
            "maxlag": "5",
        }
        answer = await ask(f"{self.address}/w/api.php", parameters)
        if (error := at(answer, "error.info")) is not None:
            raise SourceFailed(
                f"the web source {self.name!r} says: {plain_text(error)}", f"the web source {self.name!r} failed"
            )
        if at(answer, "query") is None:  # nothing was found
            return []
        pages = rows_at(answer, "query.pages", self.name)
        pages.sort(key=lambda page: page["index"] if isinstance(page.get("index"), int) else len(pages))
        return [found for page in pages if (found := self._candidate(page)) is not None]

    def _candidate(self, page: Mapping[str, Any]) -> Candidate | None:
        told = at(page, "imageinfo.0")
        if not isinstance(told, Mapping):
            return None
        about = told.get("extmetadata")
        original, small = _address(told.get("url")), _address(told.get("thumburl"))
        wide, kind = told.get("width"), told.get("mime")
        full = original if kind is None or kind in SHOWABLE else small
        # A drawing has a thumbnail of any width; of others none is wider than the file.
        if (kind == VECTOR or (isinstance(wide, int) and wide > FULL)) and _WIDTH.search(small):
            full = _WIDTH.sub(rf"/\g<1>{FULL}px-", small)
        name = plain_text(str(page.get("title", "")).partition(":")[2])
        title = _said(about, "ObjectName") or _ENDING.sub("", name)
        licence, terms = _licence(about)
        described = _said(about, "ImageDescription")
        return Candidate(
            source="Wikimedia Commons",
            small=small or full,
            full=full,
            title=title,
            licence=licence,
            creator=plain_text(at(about, "Artist.value"), LONGEST_NAME),
            licence_link=terms,
            link=web_address(told.get("descriptionurl"), 1000),
            words=tuple(text for text in (_ENDING.sub("", name), described) if text and text != title),
        )


def _address(value: Any) -> str:
    """Return an address without what it says of who was asked for it (``utm_source`` and so on), which other sources of
    the same file don't say: they are to be known for the same.
    """
    address, _, query = web_address(value, 1000).partition("?")
    return f"{address}?{query}" if query and not query.startswith("utm_") else address


def _licence(about: Any) -> tuple[str, str]:
    """Return the licence of a file and its address; of what is said to be not free it is never known."""
    if _said(about, "NonFree").lower() not in ("", "false"):
        return UNKNOWN, ""
    terms = web_address(_said(about, "LicenseUrl"))
    licence = normalised(_said(about, "LicenseShortName"), link=terms)
    if licence == UNKNOWN:
        licence = normalised(_said(about, "License"), link=terms)
    return licence, terms or licence_link(licence)


def _said(about: Any, name: str) -> str:
    return plain_text(at(about, f"{name}.value"))
