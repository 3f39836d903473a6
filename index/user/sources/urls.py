"""Pictures that lie in no file of their own: fetched from addresses, where allowed, or text in a table; and kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from imagerag.errors import UserError
from imagerag.index.user.sources.items import NO_LICENCE, Item, Origin, Wanted
from imagerag.index.user.sources.kept_files import kept_file
from imagerag.index.user.sources.short_text import CAPTION_LENGTH, in_words, one_line, shortened
from imagerag.store.files import cannot_read
from imagerag.store.moderation import refusal_of_file

Fetch = Callable[[str], bytes]


def fetch_public(url: str) -> bytes:
    """Fetch a file from a public address.

    Raises:
        UserError: it can't be had.
    """
    from imagerag.net.safe_fetch import fetch

    return asyncio.run(fetch(url))


class UrlFetcher:
    """Makes items of addresses and of bytes. They lie below ``folder`` under their digest, for looking them up later.

    Args:
        folder: where it is kept.
        allowed: whether to fetch at all.
        fetch: how; only from public addresses if not given.
    """

    def __init__(self, folder: Path, allowed: bool, fetch: Fetch = fetch_public) -> None:
        self._folder = folder
        self._allowed = allowed
        self._fetch = fetch

    def item(self, key: str, url: str, licence: str, fields: Mapping[str, str], wanted: Wanted) -> Item:
        """Return the item of an address; fetched if it is wanted, which a picture that was fetched before is not."""
        try:
            last = PurePosixPath(unquote(urlsplit(url).path)).stem
        except ValueError as error:
            return Item(key, Origin("url", url), problem=f"{shortened(url, 500)!r} is no address ({error})")
        name = fields.get("title") or one_line(in_words(last)) or url
        known = {"caption": name[:CAPTION_LENGTH], "source": url, "licence": licence} | dict(fields)
        item = Item(key, Origin("url", url), **known)  # type: ignore[arg-type]
        if not wanted(item):
            return item
        if not self._allowed:
            return item._replace(problem=f"{shortened(url, 500)!r} is an address; add --allow-urls to fetch it")
        try:
            data = self._fetch(url)
            if reason := refusal_of_file(data, "fetched"):
                return item._replace(problem=f"{shortened(url, 500)!r} may not be shown ({reason})")
        except UserError as error:
            return item._replace(problem=str(error))
        return self._stored(item, data)

    def kept(self, key: str, data: bytes, table: Path, licence: str, fields: Mapping[str, str], wanted: Wanted) -> Item:
        """Return the item of a picture whose bytes stand in a table as text, and keep them if it is wanted."""
        try:
            status = table.stat()
        except OSError as error:
            return Item(key, Origin("file", str(table)), problem=str(cannot_read(table, error)))
        known = {"caption": fields.get("title", ""), "source": key, "licence": licence} | dict(fields)
        origin = Origin("file", str(table))
        item = Item(key, origin, status.st_size, status.st_mtime_ns, **known)  # type: ignore[arg-type]
        return self._stored(item, data) if wanted(item) else item

    def _stored(self, item: Item, data: bytes) -> Item:
        return item._replace(origin=kept_file(self._folder, data), data=data)


class AddressSource:
    """One picture at an https address.

    Args:
        url: the address.
        licence: of the picture.
        fetched: fetches it.
    """

    def __init__(self, url: str, licence: str = NO_LICENCE, *, fetched: UrlFetcher) -> None:
        self.name = url
        self._licence = licence
        self._fetched = fetched

    def count(self) -> int:
        """See ``Source``."""
        return 1

    def items(self, wanted: Wanted) -> Iterator[Item]:
        """See ``Source``."""
        yield self._fetched.item(self.name, self.name, self._licence, {}, wanted)

    def owns(self, key: str) -> bool:
        """See ``Source``."""
        return key == self.name
