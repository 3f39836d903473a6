"""The text search of a mounted MCP server as a source of facts: ``--facts mcp`` or ``mcp:NAME``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from imagerag.index.web.answers import LONGEST_ADDRESS, at, plain_text, web_address
from imagerag.index.web.candidates import Ask, RobotsPolicy, SourceFailed, WebQuery
from imagerag.index.web.encyclopedias import LONGEST_QUOTE, Quote
from imagerag.licences import UNKNOWN
from imagerag.tools.mcp_candidates import MOST_TEXT, json_of, records_of
from imagerag.tools.mcp_search import called, is_text_search, search_tool

LINK = ("url", "link", "href", "page_url", "source_url")
TITLE = ("title", "name", "label")
SAID = ("snippet", "description", "extract", "summary", "content", "text", "body")
"""Where in a record its text stands, the shortest first."""
_LABEL = re.compile(
    r"\s*[-*]?\s*\**(title|url|link|description|snippet|content|summary)\**\s*:\**\s*(.+)", re.IGNORECASE
)
"""A line of a result that is written out, as in ``Title: Tina and Milo``."""


@dataclass(frozen=True)
class McpFacts:
    """See the module. What has no address is no quote.

    Attributes:
        name: ``mcp``, or ``mcp:`` with the name of a tool or of a server.
        servers: as ``--mcp-server`` names them.
        allowed: tools that are offered elsewhere; ``mcp`` alone means one of those, where there are any.
    """

    name: str
    servers: tuple[str, ...]
    allowed: tuple[str, ...] = ()
    address: str = ""
    address_is_set: bool = False
    robots: RobotsPolicy = "none"

    async def quotes(self, ask: Ask, words: str, count: int) -> Sequence[Quote]:
        """See ``FactSource``."""
        query = WebQuery(words, count)
        source, result = await called(
            self.name,
            lambda: search_tool(self.name, self.servers, self.allowed, is_text_search, "texts"),
            lambda found: found.arguments(query),
        )
        texts = [str(block.text)[:MOST_TEXT] for block in result.content or () if block.type == "text"]
        if result.is_error:
            said = plain_text(" ".join(texts))
            raise SourceFailed(f"the web source {self.name!r} says: {said}", f"the web source {self.name!r} failed")
        return list(quotes_in(texts, result.structured_content, source))[:count]


def quotes_in(texts: Sequence[str], structured: Any, source: str) -> Iterator[Quote]:
    """Yield what a search has found: records of JSON, or blocks of lines such as ``Title: ...`` and ``URL: ...``."""
    answers = [structured, *(json_of(text) for text in texts)]
    records = next((found for answer in answers if (found := records_of(answer, LINK))), ())
    for record in records or [block for text in texts for block in _blocks(text)]:
        link = next((one for path in LINK if (one := web_address(at(record, path), LONGEST_ADDRESS))), "")
        title = next((one for path in TITLE if (one := plain_text(at(record, path)))), "")
        said = next((one for path in SAID if (one := plain_text(at(record, path), LONGEST_QUOTE))), "")
        if link and title and said:
            yield Quote(source, title, said, link, UNKNOWN)


def _blocks(text: str) -> Iterator[Mapping[str, str]]:
    """Yield what stands in labelled lines, a record for each title or address that begins anew."""
    record: dict[str, str] = {}
    for line in text.splitlines():
        found = _LABEL.fullmatch(line)
        if found is None:
            continue
        name = found[1].lower()
        if name in record:
            yield record
            record = {}
        record[name] = found[2].strip()
    if record:
        yield record
