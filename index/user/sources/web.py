"""Pictures of a web source, found by words and fetched into a library: ``openverse:scarlet ibis``."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from imagerag.errors import UserError
from imagerag.index.user.sources.items import Item, Origin, Wanted
from imagerag.index.user.sources.kept_files import kept_file
from imagerag.index.user_libraries import WEB
from imagerag.index.web.cache import WebCache
from imagerag.index.web.candidates import AnswersOnce, Candidate, SourceFailed, WebQuery, WebSource
from imagerag.index.web.client import FULL_BYTES, PAUSES, Pauses, WebClient
from imagerag.index.web.first_use import announced
from imagerag.licences import LicencePolicy
from imagerag.store.moderation import refusal_of_file

PAGE = 20
MOST_PAGES = 100
"""Pages of a search that are asked for at most: Openverse gives 20 to anybody, others more."""


class WebItems:
    """The pictures that a web source finds for some words.

    What it finds another time may be something else: what was added stays, whatever a search finds then.

    Args:
        source: which.
        words: what is looked for.
        most: pictures that are taken at most.
        folder: where files are kept.
        policy: licences that are taken.
        sensitive: whether results that the source marks as sensitive are wanted.
        home: the data directory, which knows whether the source was ever asked.
        tell: hears who is asked what, before it is.
    """

    def __init__(
        self,
        source: WebSource,
        words: str,
        most: int,
        folder: Path,
        policy: LicencePolicy,
        sensitive: bool = False,
        home: Path | None = None,
        tell: Callable[[str], object] = lambda text: None,
    ) -> None:
        self.name = f"{source.name}:{words}"
        self._source = source
        self._words = words
        self._most = most
        self._folder = folder
        each = max(PAGE, min(most, source.most_at_once)) if isinstance(source, AnswersOnce) else PAGE
        self._query = WebQuery(words, each, policy=policy, sensitive=sensitive)
        self._cache = WebCache(folder / "web")
        self._pauses = Pauses(None if home is None else home / WEB / PAUSES)
        self._home = home
        self._tell = tell

    def count(self) -> int:
        """See ``Source``; there may be fewer."""
        return self._most

    def items(self, wanted: Wanted) -> Iterator[Item]:
        """See ``Source``.

        Raises:
            SourceFailed: nothing could be asked.
        """
        for line in announced(None if self._home is None else self._home / WEB, [self._source.name], [self._words]):
            self._tell(line)
        seen: set[str] = set()
        taken = 0
        for number in range(1, MOST_PAGES + 1):
            try:
                found = asyncio.run(self._page(number))
            except SourceFailed as error:
                if number == 1:
                    raise
                yield Item(f"{self.name} (page {number})", Origin("url", self._source.address), problem=str(error))
                return
            new = list({name: one for one in found if (name := _name(one)) and name not in seen}.values())
            if not new:  # the end, or a server that gives the same page over and over
                return
            seen |= {_name(one) for one in new}
            allowed = [one for one in new if self._query.policy.allows(one.licence)][: self._most - taken]
            taken += len(allowed)
            items = [self._item(one) for one in allowed]
            missing = [one for one, item in zip(allowed, items, strict=True) if wanted(item)]
            files = dict(zip(missing, asyncio.run(self._fetched(missing)), strict=True))
            for one, item in zip(allowed, items, strict=True):
                yield self._kept(item, files[one]) if one in files else item
            if taken >= self._most:
                return

    def owns(self, key: str) -> bool:
        """See ``Source``."""
        return False

    async def _page(self, number: int) -> Sequence[Candidate]:
        from dataclasses import replace

        async with WebClient(self._source, self._cache, self._pauses) as client:
            with client.forgetting_what_fails():
                return await self._source.search(client.ask, replace(self._query, page=number))

    async def _fetched(self, wanted: Sequence[Candidate]) -> list[bytes | SourceFailed]:
        async with WebClient(self._source, self._cache, self._pauses) as client:

            async def one(candidate: Candidate) -> bytes | SourceFailed:
                if candidate.data:
                    return candidate.data
                try:
                    return await client.picture(candidate.full, FULL_BYTES)
                except SourceFailed as error:
                    return error

            return list(await asyncio.gather(*map(one, wanted)))

    def _item(self, one: Candidate) -> Item:
        link = one.link or one.full
        return Item(
            key=f"{self._source.name}:{link or _name(one)}",
            origin=Origin("url", one.full or self._source.address),
            caption=one.title or self._words,
            title=one.title,
            source=one.source,
            licence=one.licence,
            creator=one.creator,
            link=link,
            licence_link=one.licence_link,
        )

    def _kept(self, item: Item, data: bytes | SourceFailed) -> Item:
        if isinstance(data, SourceFailed):
            return item._replace(problem=str(data))
        try:
            reason = refusal_of_file(data, "fetched")
        except UserError as error:
            return item._replace(problem=str(error))
        if reason:
            return item._replace(problem=f"{item.link or item.title!r} may not be shown ({reason})")
        return item._replace(origin=kept_file(self._folder, data), data=data)


def _name(one: Candidate) -> str:
    """Return what tells a picture from others of a search: its address, or of one without its digest."""
    return one.full or (hashlib.sha256(one.data).hexdigest() if one.data else "")
