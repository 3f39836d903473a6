"""Any search that answers with JSON: an address, parameters, and where in an answer what stands.

For services such as SearXNG, Brave and SerpAPI, and museums that no module of its own is made for.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from imagerag.credentials import credentials_in
from imagerag.index.web.answers import LONGEST_NAME, at, plain_text, rows_at, web_address
from imagerag.index.web.candidates import Ask, Candidate, RobotsPolicy, SourceFailed, WebQuery
from imagerag.licences import licence_link, normalised

PLAIN_HEADERS = frozenset({"accept", "accept-language", "user-agent"})
"""Headers that hold no key."""
_OF_KEYS = re.compile("key|token|secret|passw|auth|signature", re.IGNORECASE)
PAGES = ("{page}", "{page_from_0}", "{offset}")
PLACEHOLDERS = ("{caption}", "{count}", *PAGES, "{key}")


@dataclass(frozen=True)
class JsonSearch:
    """See the module.

    Attributes:
        name: by which ``--library`` names it.
        address: of the search.
        query: its parameters; ``{caption}``, ``{count}``, ``{page}`` (from 1 on), ``{page_from_0}`` or ``{offset}``
            (results before it), and ``{key}`` in them are filled in.
        fields: paths within one result, such as ``thumbnail.src``, of ``full``, which is needed, ``small``, ``title``,
            ``creator``, ``licence``, ``licence_link`` and ``link``.
        results: path of the list of results; empty where the answer is the list.
        headers: besides the usual ones; filled in likewise.
        safe: parameters that ask for safe results.
        key_variable: name of the environment variable with the key.
        licence: of all that it finds, where no field tells.
        robots: see ``imagerag.index.web.candidates.KnowsRobots``.
    """

    name: str
    address: str
    query: Mapping[str, str]
    fields: Mapping[str, str]
    results: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    safe: Mapping[str, str] = field(default_factory=dict)
    key_variable: str = ""
    licence: str = ""
    address_is_set: bool = True
    robots: RobotsPolicy = "heed"

    @property
    def has_key(self) -> bool:
        """Whether what is sent holds a key, be it of a variable or one that stands in the table itself."""
        named = [name for name in (*self.query, *self.safe) if _OF_KEYS.search(name)]
        headers = [name for name in self.headers if name.lower() not in PLAIN_HEADERS]
        return bool(self.key_variable or named or headers or credentials_in(self.address))

    async def search(self, ask: Ask, query: WebQuery) -> Sequence[Candidate]:
        """See ``WebSource``.

        Raises:
            SourceFailed: also where its key is not set.
        """
        paged = any(place in value for value in self.query.values() for place in PAGES)
        if query.page > 1 and not paged:
            return []
        key = os.environ.get(self.key_variable, "") if self.key_variable else ""
        if self.key_variable and not key:
            raise SourceFailed(
                f"the web source {self.name!r} needs a key; set the variable {self.key_variable}",
                f"the web source {self.name!r} has no key",
            )
        offset = str((query.page - 1) * query.count)
        numbers = {"{count}": str(query.count), "{page}": str(query.page), "{offset}": offset}
        numbers |= {"{page_from_0}": str(query.page - 1)}
        values = {"{caption}": query.words, **numbers, "{key}": key}
        parameters = {name: _filled(text, values) for name, text in self.query.items()}
        if not query.sensitive:
            parameters |= self.safe
        headers = {name: _filled(text, values) for name, text in self.headers.items()}
        answer = await ask(self.address, parameters, headers=headers, secret=self.has_key)
        found = []
        for row in rows_at(answer, self.results, self.name):
            told = {name: at(row, path) for name, path in self.fields.items()}
            full = web_address(told.get("full"), 1000)
            terms = web_address(told.get("licence_link"))
            licence = normalised(plain_text(told.get("licence")) or self.licence, link=terms)
            found.append(
                Candidate(
                    source=self.name,
                    small=web_address(told.get("small"), 1000) or full,
                    full=full,
                    title=plain_text(told.get("title")),
                    licence=licence,
                    creator=plain_text(told.get("creator"), LONGEST_NAME),
                    licence_link=terms or licence_link(licence),
                    link=web_address(told.get("link"), 1000),
                )
            )
        return found


def _filled(text: str, values: Mapping[str, str]) -> str:
    """Return a text with its placeholders filled in, each once: what is filled in is not looked through again."""
    found = [(at, name) for name in values if (at := text.find(name)) >= 0]
    if not found:
        return text
    start, name = min(found)
    return f"{text[:start]}{values[name]}{_filled(text[start + len(name) :], values)}"
