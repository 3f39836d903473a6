"""Wikipedia and Wikidata on a web on loopback, in the published shapes of MediaWiki's API."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from imagerag.index.captions import content_words
from testing.web_server import Reply, Web, WebRequest, as_json, serving_web


@dataclass
class Article:
    """One page.

    Attributes:
        title: what it is called.
        text: its beginning; a description in Wikidata.
        lists_meanings: it is a disambiguation page.
    """

    title: str
    text: str
    lists_meanings: bool = False


MASCOTS = (
    Article("2026 Winter Olympics", "The 2026 Winter Olympics are an event of many sports in Italy."),
    Article("Tina and Milo", "Tina and Milo are two stoats, the mascots of the 2026 Winter Olympics."),
)
"""What is found for "mascot of the 2026 winter olympics", of which one names it."""


def encyclopedias(articles: Sequence[Article]) -> Callable[[WebRequest], Reply | None]:
    """Return what answers both wikis' searches: with the pages that have any of the words, in this order."""

    def answer(request: WebRequest) -> Reply | None:
        if "@" not in request.headers.get("user-agent", "") and "://" not in request.headers.get("user-agent", ""):
            return 403, {"content-type": "text/html"}, b"<html>Please respect our robot policy</html>"
        wanted = set(content_words(request.query["gsrsearch"]))
        found = [one for one in articles if wanted & set(content_words(f"{one.title} {one.text}"))]
        found = found[: int(request.query["gsrlimit"])]
        if not found:
            return as_json({"batchcomplete": True})
        shape = _item if request.query["prop"] == "entityterms" else _article
        # MediaWiki gives pages by their numbers; the order of the search is in "index"
        pages = [shape(number, one) for number, one in reversed(list(enumerate(found, 1)))]
        return as_json({"batchcomplete": True, "query": {"pages": pages}})

    return answer


def _article(number: int, one: Article) -> dict[str, Any]:
    address = "https://en.wikipedia.org/wiki/" + re.sub(r"<[^>]*>", "", one.title).replace(" ", "_")
    meanings = {"pageprops": {"disambiguation": ""}} if one.lists_meanings else {}
    page = {"pageid": 100 - number, "ns": 0, "title": one.title, "index": number, "extract": one.text}
    return {**page, "contentmodel": "wikitext", "fullurl": address, **meanings}


def _item(number: int, one: Article) -> dict[str, Any]:
    terms = {"label": [one.title], "description": [one.text]}
    return {"pageid": 100 - number, "ns": 0, "title": f"Q{number}", "index": number, "entityterms": terms}


@contextmanager
def serving_encyclopedias(articles: Sequence[Article] = MASCOTS) -> Iterator[Web]:
    """Serve both on loopback until the block ends."""
    with serving_web() as web:
        web.faults["/w/api.php"] = encyclopedias(articles)
        yield web
