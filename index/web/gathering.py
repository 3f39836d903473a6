"""Asking all sources at once for captions, and fetching small copies of what may be used; each in its own time."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

from imagerag.errors import first_line
from imagerag.index.captions import concepts_of
from imagerag.index.web.cache import WebCache
from imagerag.index.web.candidates import Candidate, SourceFailed, WebQuery, WebSource
from imagerag.index.web.client import PAUSE, SMALL_BYTES, Pauses, WebClient
from imagerag.licences import LicencePolicy, terms_of

LONGEST_QUERY = 200
"""Characters of a caption that are sent."""
MOST_BYTES = 128 * 2**20
"""Of all small pictures of one look-up; those of known sources have some 50 kB each."""
SHOWN = 4
"""Licences that a note names."""


@dataclass(frozen=True)
class Gathered:
    """A candidate with its small picture.

    Attributes:
        candidate: what the source tells.
        of: the source's name.
        data: the small picture's file.
        sha256: of it.
    """

    candidate: Candidate
    of: str
    data: bytes
    sha256: str


class _Outcome:
    """What came of asking one source."""

    def __init__(self) -> None:
        self.found = 0
        self.refused: Counter[str] = Counter()
        self.problem = ""
        self.too_large = 0


class Gathering:
    """One look-up at all sources; what it has so far can be read at any time, from any thread.

    Args:
        sources: which are asked.
        cache, pauses: see ``WebClient``.
        query: what is wanted, its words left open.
    """

    def __init__(self, sources: Sequence[WebSource], cache: WebCache, pauses: Pauses, query: WebQuery) -> None:
        self._sources = sources
        self._cache = cache
        self._pauses = pauses
        self._query = query
        self._lock = threading.Lock()
        self._gathered: list[list[Gathered]] = []
        self._barred: set[str] = set()
        self._bytes = 0
        self._outcomes = {source.name: _Outcome() for source in sources}

    def run(
        self, captions: Sequence[str], seconds: float, concepts: Sequence[str] | None = None
    ) -> list[list[Gathered]]:
        """Return for each caption what was gathered, in no order.

        Args:
            captions: what is looked for.
            seconds: for each source; they are asked side by side.
            concepts: what each caption stands for, "an okapi" for "a drawing of an okapi"; the captions if ``None``.
        """
        self._gathered = [[] for _ in captions]
        asyncio.run(self._all(list(zip(captions, concepts or captions, strict=True)), seconds))
        return self.so_far()

    def so_far(self) -> list[list[Gathered]]:
        """Return what there is now.

        Where a candidate names the same picture, or the same page, as another whose licence is not allowed, neither is
        used, whichever sources they come from: which of them is right can't be told.
        """
        with self._lock:
            return [
                [one for one in found if not {one.candidate.full, one.candidate.link} & self._barred]
                for found in self._gathered
            ]

    def told(self, policy: LicencePolicy) -> list[str]:
        """Return in words what came of each source."""
        lines = []
        for name, outcome in self._outcomes.items():
            if outcome.problem:
                lines.append(outcome.problem)
            if refused := outcome.refused:
                which = ", ".join(licence for licence, _ in refused.most_common(SHOWN))
                lines.append(
                    f"{name}: {refused.total()} of {outcome.found} pictures found are not used for their licence "
                    f"({which}); --licences takes others than {policy.in_words}"
                )
            if outcome.too_large:
                lines.append(
                    f"{name}: {outcome.too_large} small pictures are left out: those found have more than "
                    f"{MOST_BYTES // 2**20} MiB together"
                )
            if not outcome.problem and not outcome.found:
                lines.append(f"{name} has found nothing")
        return lines

    async def _all(self, captions: Sequence[tuple[str, str]], seconds: float) -> None:
        tasks = {asyncio.create_task(self._of_source(source, captions)): source for source in self._sources}
        done, late = await asyncio.wait(tasks, timeout=seconds)
        for task in late:
            task.cancel()
            name = tasks[task].name
            self._pauses.begin(name, PAUSE)
            self._outcomes[name].problem = f"the web source {name!r} did not answer in {seconds:.0f} seconds, its share"
        if late:
            await asyncio.wait(late, timeout=1)
        for task in done:
            task.result()

    async def _of_source(self, source: WebSource, captions: Sequence[tuple[str, str]]) -> None:
        outcome = self._outcomes[source.name]
        async with WebClient(source, self._cache, self._pauses) as client:
            for place, (caption, concept) in enumerate(captions):
                try:
                    with client.forgetting_what_fails():
                        found = await self._searched(source, client, caption, concept)
                except SourceFailed as error:
                    outcome.problem = str(error)
                    if error.pause == 0 and self._pauses.left(source.name) == 0:
                        self._pauses.begin(source.name, PAUSE)
                    return
                except Exception as error:  # whatever a source of somebody else raises
                    outcome.problem = (
                        f"the web source {source.name!r} failed ({type(error).__name__}: {first_line(error, 200)})"
                    )
                    return
                outcome.found += len(found)
                usable = self._usable(found, outcome)
                await asyncio.gather(*(self._small(client, source, one, place) for one in usable))

    async def _searched(self, source: WebSource, client: WebClient, caption: str, concept: str) -> list[Candidate]:
        """Ask for a caption; where nothing is found, for the first thing that its concept names.

        Of the caption that would be "a drawing" where it is "a drawing of an okapi".
        """
        words = " ".join(caption.split())[:LONGEST_QUERY]
        found = await source.search(client.ask, replace(self._query, words=words))
        plain = " ".join(concept.split())[:LONGEST_QUERY]
        if not found and (named := concepts_of(plain)) and named[0] != words.lower():
            found = await source.search(client.ask, replace(self._query, words=named[0]))
        return list(found)[: self._query.count]

    def _usable(self, found: Sequence[Candidate], outcome: _Outcome) -> list[Candidate]:
        """Return the candidates that may be drawn with, each address once."""
        policy = self._query.policy
        usable: dict[str, Candidate] = {}
        for one in found:
            if not one.data and not (one.full and one.small):
                continue
            if policy.allows(one.licence):
                usable.setdefault(one.full or hashlib.sha256(one.data).hexdigest(), one)
                continue
            outcome.refused[one.licence] += 1
            if terms_of(one.licence) is not None:
                with self._lock:
                    self._barred |= {one.full, one.link} - {""}
        return list(usable.values())

    async def _small(self, client: WebClient, source: WebSource, candidate: Candidate, place: int) -> None:
        if self._bytes >= MOST_BYTES:
            self._outcomes[source.name].too_large += 1
            return
        try:
            data = candidate.data or await client.picture(candidate.small, SMALL_BYTES)
        except SourceFailed:
            return  # one of many
        gathered = Gathered(candidate, source.name, data, hashlib.sha256(data).hexdigest())
        with self._lock:
            self._bytes += len(data)
            if self._bytes <= MOST_BYTES:
                self._gathered[place].append(gathered)
            else:
                self._outcomes[source.name].too_large += 1


async def fetched(
    wanted: Sequence[tuple[WebSource, str]], cache: WebCache, pauses: Pauses, most: int, seconds: float
) -> list[bytes | None]:
    """Return the files at addresses that sources gave, fetched side by side; ``None`` for one that can't be had.

    Args:
        wanted: source and address.
        cache, pauses: see ``WebClient``.
        most: bytes of each.
        seconds: for all of them.
    """

    async with AsyncExitStack() as stack:
        clients = {
            source.name: await stack.enter_async_context(WebClient(source, cache, pauses))
            for source in {source.name: source for source, _ in wanted}.values()
        }

        async def one(source: WebSource, address: str) -> bytes | None:
            try:
                return await clients[source.name].picture(address, most)
            except SourceFailed:
                return None

        tasks = [asyncio.create_task(one(source, address)) for source, address in wanted]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=seconds)
            for task in late:
                task.cancel()
        return [task.result() if task.done() and not task.cancelled() else None for task in tasks]
