"""Asking encyclopedias what a concept is: side by side, bounded in time, and each told before it is asked."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from imagerag.errors import first_line
from imagerag.index.user_libraries import WEB
from imagerag.index.web.cache import WebCache
from imagerag.index.web.candidates import SourceFailed
from imagerag.index.web.client import PAUSE, PAUSES, Pauses, WebClient
from imagerag.index.web.encyclopedias import WIKIDATA, WIKIPEDIA, FactSource, Quote, Wikidata, Wikipedia
from imagerag.index.web.first_use import first_used
from imagerag.index.web.registry import checked_address
from imagerag.index.web.sent_words import sent_words
from imagerag.interruptible import run_bounded, seconds_left

SECONDS = 10.0
"""For all that is asked at once, however much time the run has."""
QUOTES = 3
"""On one concept, of each source."""
LONGEST_ASKED = 150
"""Characters that are sent of a concept; CirrusSearch takes 300."""
SOURCES: Mapping[str, tuple[str, str, Callable[[str, bool], FactSource]]] = {
    "wikipedia": ("IMAGERAG_WIKIPEDIA_URL", WIKIPEDIA, Wikipedia),
    "wikidata": ("IMAGERAG_WIKIDATA_URL", WIKIDATA, Wikidata),
}
"""The variable that sets the address, the address without it, and the factory, by name."""


class FactSearch:
    """Asks encyclopedias.

    Args:
        sources: which are asked, all at once.
        folder: ``web`` of the data directory, with what they answered.
    """

    def __init__(self, sources: Sequence[FactSource], folder: Path) -> None:
        self.sources = tuple(sources)
        self._folder = folder
        self._cache = WebCache(folder / "cache")
        self._pauses = Pauses(folder / PAUSES)

    def ask(self, concepts: Sequence[str], tell: Callable[[str], object]) -> list[list[Quote]]:
        """Return quotes on each concept, those of one source after those of another.

        Of a source that hangs or fails there are only those that it gave by then; that is told.

        Args:
            concepts: all that is sent.
            tell: hears which source is asked what, and what came of it.
        """
        sent = [" ".join(sent_words(concept).split())[:LONGEST_ASKED] for concept in concepts]
        asked = [words for words in sent if words]
        if not asked:
            return [[] for _ in concepts]
        self._announce(asked, tell)
        found = _Found(self.sources, len(asked))
        seconds = min(SECONDS, seconds_left() / 2)
        try:
            run_bounded(lambda: asyncio.run(self._all(asked, found, seconds)), seconds + 2.0)
        except TimeoutError:  # a resolver, or a loop, that does not end with its time
            tell(f"the web sources of facts did not answer in {seconds:.0f} seconds")
        for line in found.problems():
            tell(line)
        quotes = iter(found.so_far())
        return [next(quotes) if words else [] for words in sent]

    def _announce(self, asked: Sequence[str], tell: Callable[[str], object]) -> None:
        names = [source.name for source in self.sources]
        words = "; ".join(f'"{concept}"' for concept in asked)
        tell(f"asking {', '.join(names)} on the web what is meant by {words}; this is all that is sent")
        if new := first_used(self._folder, names):
            tell(
                f"first use of {', '.join(new)}: their servers see these words and this machine's address; --offline, "
                "or leaving --facts out, keeps all here"
            )

    async def _all(self, asked: Sequence[str], found: _Found, seconds: float) -> None:
        tasks = {asyncio.create_task(self._of_source(source, asked, found)): source for source in self.sources}
        done, late = await asyncio.wait(tasks, timeout=seconds)
        for task in late:
            task.cancel()
            name = tasks[task].name
            self._pauses.begin(name, PAUSE)
            found.failed(name, f"the web source {name!r} did not answer in {seconds:.0f} seconds")
        if late:
            await asyncio.wait(late, timeout=1)
        for task in done:
            task.result()

    async def _of_source(self, source: FactSource, asked: Sequence[str], found: _Found) -> None:
        async with WebClient(source, self._cache, self._pauses) as client:
            for place, words in enumerate(asked):
                try:
                    with client.forgetting_what_fails():
                        quotes = await source.quotes(client.ask, words, QUOTES)
                except SourceFailed as error:
                    if error.pause == 0 and self._pauses.left(source.name) == 0:
                        self._pauses.begin(source.name, PAUSE)
                    found.failed(source.name, str(error))
                    return
                except Exception as error:  # whatever a server of somebody else brings about
                    why = f"the web source {source.name!r} failed ({type(error).__name__}: {first_line(error, 200)})"
                    found.failed(source.name, why)
                    return
                found.add(source.name, place, quotes)


class _Found:
    """What was found so far; it outlives a loop that does not end with its time."""

    def __init__(self, sources: Sequence[FactSource], count: int) -> None:
        self._lock = threading.Lock()
        self._quotes: dict[str, list[Sequence[Quote]]] = {source.name: [()] * count for source in sources}
        self._problems: dict[str, str] = {}
        self._count = count

    def add(self, source: str, place: int, quotes: Sequence[Quote]) -> None:
        with self._lock:
            self._quotes[source][place] = quotes

    def failed(self, source: str, why: str) -> None:
        with self._lock:
            self._problems[source] = why

    def problems(self) -> list[str]:
        with self._lock:
            return list(self._problems.values())

    def so_far(self) -> list[list[Quote]]:
        with self._lock:
            return [[one for found in self._quotes.values() for one in found[place]] for place in range(self._count)]


def open_facts(names: Sequence[str], home: str | Path, more: Sequence[FactSource] = ()) -> FactSearch:
    """Return the search of these sources; the same one as long as their addresses stay, so that pauses are kept.

    Args:
        names: of ``SOURCES``.
        home: the data directory.
        more: further sources, of which equal ones are the same.

    Raises:
        UserError: an address that was set is none.
    """
    addresses = []
    for name in names:
        variable, default, _ = SOURCES[name]
        given = os.environ.get(variable, "")
        addresses.append((name, checked_address(given, variable) if given else default, bool(given)))
    return _open(tuple(addresses), Path(home), tuple(more))


@lru_cache(maxsize=16)
def _open(addresses: tuple[tuple[str, str, bool], ...], home: Path, more: tuple[FactSource, ...]) -> FactSearch:
    built_in = [SOURCES[name][2](address, is_set) for name, address, is_set in addresses]
    return FactSearch([*built_in, *more], home / WEB)
