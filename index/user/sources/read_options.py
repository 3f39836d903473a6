"""How sources are read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from imagerag.index.user.sources.items import NO_LICENCE
from imagerag.index.user.sources.urls import UrlFetcher
from imagerag.index.web.candidates import WebSource
from imagerag.licences import DEFAULT_POLICY, LicencePolicy


def _nobody(text: str) -> None:
    """Hear something that nobody wants to know."""


class ReadOptions(NamedTuple):
    """How sources are read.

    Attributes:
        licence: of what names none itself.
        image_column, caption_column: of tables; found by their names if not given.
        allow_urls: whether addresses may be fetched.
        folder: where what was fetched is kept.
        allow_outside: whether links and paths may lead out of a source's own folder.
        most: pictures that are taken of a web source.
        policy: licences that are taken of a web source.
        sensitive: whether results that a web source marks as sensitive are wanted.
        offline: ask no web source.
        home: the data directory.
        tell: hears which web source is asked what.
        mcp: returns the image search of a mounted MCP server by its name; see ``imagerag.settings.is_mcp_search``.
    """

    licence: str = NO_LICENCE
    image_column: str | None = None
    caption_column: str | None = None
    allow_urls: bool = False
    folder: Path = Path("fetched")
    allow_outside: bool = False
    most: int = 100
    policy: LicencePolicy = DEFAULT_POLICY
    sensitive: bool = False
    offline: bool = False
    home: Path | None = None
    tell: Callable[[str], object] = _nobody
    mcp: Callable[[str], WebSource] | None = None

    @property
    def fetched(self) -> UrlFetcher:
        """What fetches addresses, or says that it may not."""
        return UrlFetcher(self.folder, self.allow_urls)
