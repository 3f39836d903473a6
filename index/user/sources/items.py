"""What a source of pictures gives: one item per picture, with all that is known of it before it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

NO_LICENCE = "unknown"
SEPARATOR = "::"
"""In a key, between the file that holds a picture and the place in it."""


class Origin(NamedTuple):
    """Where a picture's bytes lie, so that they can be read again long after adding.

    Attributes:
        kind: ``file``, ``tar``, ``parquet`` or ``url``; see ``imagerag.index.user.sources.origins``.
        file: absolute path of the file they are in, or the address.
        place: where in it.
    """

    kind: str
    file: str
    place: str = ""


class Item(NamedTuple):
    """One picture of a source.

    Attributes:
        key: names it for ever: an absolute path, ``archive.tar::member``, an address.
        origin: where its bytes are.
        size, mtime: bytes and nanoseconds of the file it is in; with both unchanged it is not read again.
        caption: what it shows.
        title: what it is called, or empty.
        source: where it comes from.
        licence: SPDX identifier where there is one.
        creator, link, licence_link: whom to thank, as of ``imagerag.index.base.Hit``; empty where nobody has said.
        data: its bytes, where the source had to read them anyway.
        problem: why it can't be taken, in one line; all else may be empty then.
        note: what a person should know of how it was taken, or empty; stands behind its name, as in "has 3 frames".
    """

    key: str
    origin: Origin
    size: int = 0
    mtime: int = 0
    caption: str = ""
    title: str = ""
    source: str = ""
    licence: str = NO_LICENCE
    data: bytes | None = None
    problem: str = ""
    note: str = ""
    creator: str = ""
    link: str = ""
    licence_link: str = ""


Wanted = Callable[[Item], bool]
"""Tells whether an item has to be read: it is new, or has changed."""


class Source(Protocol):
    """Pictures that are added together and, when they are gone, removed together."""

    name: str
    """As a person wrote it, made absolute: what ``index status`` counts by."""

    def count(self) -> int:
        """Return how many items there will be."""
        ...

    def items(self, wanted: Wanted) -> Iterator[Item]:
        """Yield every item, in an order that stays the same; those it reads in sequence have ``data`` if wanted."""
        ...

    def owns(self, key: str) -> bool:
        """Tell whether an item of this key is gone if this source no longer yields it."""
        ...
