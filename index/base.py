"""What a reference index answers, and the interface behind which every index stands."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from imagerag.index.filters import Condition

if TYPE_CHECKING:
    from PIL import Image


Floor = float | Literal["calibrated"]
"""A cosine, -1..1, below which nothing is found; or where each model was calibrated to let 5 % of the queries for what
is not there through (``imagerag.embedders.calibration.LookupFloor``), which is no floor where it was not."""

_ON_THIS_MACHINE = re.compile(r"(?:[a-z0-9-]{2,}:(?!//))?(?:file:|[A-Za-z]:[\\/]|[\\/~])")
"""Begins a path, such as of a person's own picture, also behind the kind of a collection (``webdataset:/a/b.tar``)."""


@dataclass(frozen=True)
class Hit:
    """One reference that was found.

    Attributes:
        sha256: names the picture; ``ReferenceIndex.image`` opens it.
        path: a PNG of it on white.
        title: what it shows, as its collection says; data, never instruction.
        words: more words for what it shows.
        similarity: cosine of the query's and the picture's embeddings, -1..1.
        source: where it comes from, as in ``Noto Emoji u1f40a``.
        licence: SPDX identifier.
        set: the collection it belongs to.
        creator: who made it; empty where nobody has said, as the next two.
        link: page about it.
        licence_link: where the licence's terms can be read.
    """

    sha256: str
    path: Path
    title: str
    words: tuple[str, ...]
    similarity: float
    source: str
    licence: str
    set: str
    creator: str = ""
    link: str = ""
    licence_link: str = ""

    @property
    def public_source(self) -> str:
        """Where it comes from, for people elsewhere: of a file on this machine, only the library that has it."""
        return f"library {self.set}" if _ON_THIS_MACHINE.match(self.source) else self.source


@dataclass(frozen=True)
class SearchOptions:
    """How to search; what an index has no use for, it ignores.

    Attributes:
        exclude: addresses (``sha256``) that must not come back.
        where: conditions that must hold for the fields of a picture.
        fused: rank by look, caption and the caption's words together instead of by similarity; ``None`` leaves it to
            the index.
        fold: of near-duplicates only the best; ``None`` leaves it to the index.
        diverse: 0 for the most similar ones, towards 1 the more unlike each other (maximal marginal relevance);
            ``None`` leaves it to the index.
        like: a picture that what is found should look like, too.
        floor: below which nothing is found; ``None`` leaves it to the index.
        concepts: what each caption stands for, where several stand for the same: web sources are asked for a concept
            alone that nothing is found for by any of its captions.
        written: those of them that are to be written in the picture: web sources are not asked for them.
        tell: hears what a person should know of the search, such as who was asked.
    """

    exclude: Collection[str] = ()
    where: tuple[Condition, ...] = ()
    fused: bool | None = None
    fold: bool | None = None
    diverse: float | None = None
    like: Image.Image | None = None
    floor: Floor | None = None
    concepts: tuple[str, ...] = ()
    written: frozenset[str] = frozenset()
    tell: Callable[[str], None] = field(default=lambda text: None, compare=False)


@runtime_checkable
class OrdersItself(Protocol):
    """An index whose order may be more than that of the similarities."""

    @property
    def comparable(self) -> bool:
        """Whether similarities of all hits compare, so that hits of several captions can be sorted by them."""


PLAIN_SEARCH = SearchOptions()
"""Everything left to the index."""


class ReferenceIndex(Protocol):
    """Finds pictures by what they show."""

    def search(self, captions: Sequence[str], k: int, options: SearchOptions = PLAIN_SEARCH) -> list[list[Hit]]:
        """Return for each caption its best hits, at most ``k``, best first; all captions are one pass.

        Args:
            captions: one stand-alone description each.
            k: at least 1; there are fewer hits only where the index has fewer pictures.
            options: how.

        Raises:
            InvalidArgument: ``k`` below 1, or an empty caption.
            UserError: the index is damaged, was made with another model, or can't be made.
        """
        ...

    def image(self, sha256: str) -> Image.Image:
        """Return a picture as RGBA.

        Raises:
            InvalidArgument: no picture has this address.
        """
        ...
