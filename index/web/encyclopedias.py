"""Wikipedia and Wikidata, by the API of MediaWiki: short quotes on what a concept is.

https://www.mediawiki.org/wiki/API:Search, https://www.mediawiki.org/wiki/Extension:TextExtracts and, for Wikidata's
labels and descriptions, ``prop=entityterms`` of https://www.mediawiki.org/wiki/Wikibase/API.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote

from imagerag.index.web.answers import at, plain_text, rows_at, web_address
from imagerag.index.web.candidates import Ask, RobotsPolicy, SourceFailed, WebServer

WIKIPEDIA = "https://en.wikipedia.org"
WIKIDATA = "https://www.wikidata.org"
LONGEST_QUOTE = 300
"""Characters."""
_ITEM = re.compile(r"Q[1-9]\d*")
_SYNTAX = re.compile(r"[^\w\s'-]|(?<!\w)[-']|[-'](?!\w)")
"""What means something to CirrusSearch: quotes, ``-word``, ``insource:``."""


@dataclass(frozen=True)
class Quote:
    """What one page says. All texts are what others say, never instructions.

    Attributes:
        source: where it stands, as in ``Wikipedia``.
        title: of the page.
        text: its beginning, at most ``LONGEST_QUOTE`` characters.
        link: address of the page.
        licence: identifier of the licence of the text.
    """

    source: str
    title: str
    text: str
    link: str
    licence: str


class FactSource(WebServer, Protocol):
    """A place on the web that says what things are."""

    async def quotes(self, ask: Ask, words: str, count: int) -> Sequence[Quote]:
        """Return at most ``count`` quotes on what is looked for by words, the best first.

        Raises:
            SourceFailed: it can't be asked, or its answer has not the form that is published.
        """
        ...


class Wikipedia:
    """The beginnings of articles.

    Args:
        address: of the wiki, in any language, or of a mirror; ``/w/api.php`` is below it.
        address_is_set: whether the person has set it.
    """

    name = "wikipedia"
    robots: RobotsPolicy = "named"  # see imagerag.index.web.commons

    def __init__(self, address: str = WIKIPEDIA, address_is_set: bool = False) -> None:
        self.address = address.rstrip("/")
        self.address_is_set = address_is_set

    async def quotes(self, ask: Ask, words: str, count: int) -> Sequence[Quote]:
        """See ``FactSource``; pages that only list what a word can mean are left out."""
        more = {
            "prop": "extracts|info|pageprops",
            "exintro": "1",
            "explaintext": "1",
            "exchars": "600",  # cut by us, after what is no text was taken out
            "exlimit": "max",
            "inprop": "url",
            "ppprop": "disambiguation",
        }
        return await _found(ask, self, words, count, more, self._quote)

    def _quote(self, page: Mapping[str, Any]) -> Quote | None:
        if at(page, "pageprops.disambiguation") is not None:
            return None
        link = web_address(page.get("fullurl"))
        return _whole("Wikipedia", page.get("title"), page.get("extract"), link, "CC-BY-SA-4.0")


class Wikidata:
    """Labels and descriptions of items.

    Args:
        address: of the wiki, or of a mirror; ``/w/api.php`` is below it.
        address_is_set: whether the person has set it.
    """

    name = "wikidata"
    robots: RobotsPolicy = "named"  # see imagerag.index.web.commons

    def __init__(self, address: str = WIKIDATA, address_is_set: bool = False) -> None:
        self.address = address.rstrip("/")
        self.address_is_set = address_is_set

    async def quotes(self, ask: Ask, words: str, count: int) -> Sequence[Quote]:
        """See ``FactSource``."""
        more = {"prop": "entityterms", "wbetterms": "label|description", "uselang": "en"}
        return await _found(ask, self, words, count, more, self._quote)

    def _quote(self, page: Mapping[str, Any]) -> Quote | None:
        item = page.get("title")
        if not isinstance(item, str) or not _ITEM.fullmatch(item):
            return None
        label, description = at(page, "entityterms.label.0"), at(page, "entityterms.description.0")
        return _whole("Wikidata", label, description, f"{WIKIDATA}/wiki/{quote(item)}", "CC0-1.0")


async def _found(
    ask: Ask,
    source: FactSource,
    words: str,
    count: int,
    more: Mapping[str, str],
    read: Callable[[Mapping[str, Any]], Quote | None],
) -> list[Quote]:
    """Return what a wiki's full-text search finds; ``read`` makes a quote of a page, or nothing."""
    parameters = {
        "action": "query",
        "format": "json",
        "formatversion": "2",
        "generator": "search",
        "gsrsearch": " ".join(_SYNTAX.sub(" ", words).split()),
        "gsrnamespace": "0",
        "gsrlimit": str(count),
        "maxlag": "5",
        **more,
    }
    answer = await ask(f"{source.address}/w/api.php", parameters)
    if (error := at(answer, "error.info")) is not None:
        failed = f"the web source {source.name!r}"
        raise SourceFailed(f"{failed} says: {plain_text(error)}", f"{failed} failed")
    if at(answer, "query") is None and isinstance(answer, Mapping):  # nothing was found
        return []
    pages = rows_at(answer, "query.pages", source.name)
    pages.sort(key=lambda page: page["index"] if isinstance(page.get("index"), int) else len(pages))
    return [found for page in pages if (found := read(page)) is not None][:count]


def _whole(source: str, title: Any, text: Any, link: str, licence: str) -> Quote | None:
    """Return a quote; none without a title, a text or an address."""
    named, said = plain_text(title), plain_text(text, LONGEST_QUOTE)
    return Quote(source, named, said, link, licence) if named and said and link else None
