"""A client's images, found by the words of their requests, by what they show, and by likeness to one of them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imagerag.embedders.clip import Embedder
from imagerag.errors import FileError, UserError
from imagerag.server.database import ANONYMOUS, Database, Entry

Vectors = NDArray[np.float32]

MOST_SEARCHED = 20_000
"""Newest images of a client that are looked through."""
AT_ONCE = 32
"""Images that are embedded between two looks at the clock."""
LOOKING = 2.0
"""Seconds that one search embeds images which have not been embedded yet; the next one goes on with the others."""


@dataclass(frozen=True)
class ImageQuery:
    """What is looked for; of ``shows`` and ``like`` at most one.

    Attributes:
        words: that the request, or the drawer's prompt, has all of, in any case.
        shows: in words, what the image shows, by CLIP.
        like: id of an image of the client that others are to look like, by CLIP.
        offset, limit: which of the images found are returned, best first, or else newest first.
    """

    words: str = ""
    shows: str = ""
    like: str = ""
    offset: int = 0
    limit: int = 60


class FoundImage(NamedTuple):
    """An image, and by how much it is like what was looked for: a cosine; ``None`` where that wasn't asked."""

    entry: Entry
    similarity: float | None


class FoundImages(NamedTuple):
    """A page of what was found.

    Attributes:
        images: of that page.
        total: how many were found in all.
        not_seen: how many of the client's images have not been embedded yet, and so could not be found by likeness.
    """

    images: list[FoundImage]
    total: int
    not_seen: int


class ImageSearch:
    """Searches a client's own images alone; embeddings are kept in the database.

    Args:
        database: knows whose they are.
        embedder: loads the CLIP model, when it is first needed.
        open_image: opens an entry's pixels.
    """

    def __init__(
        self, database: Database, embedder: Callable[[], Embedder], open_image: Callable[[Entry], Image.Image]
    ) -> None:
        self._database = database
        self._embedder = embedder
        self._open = open_image

    def find(self, client: str, query: ImageQuery) -> FoundImages:
        """Return the client's images that fit a query; none of clients who can't be told apart.

        Raises:
            UserError: both kinds of likeness are asked for, ``like`` names no image of the client, or the CLIP model
                can't be loaded.
        """
        if query.shows and query.like:
            raise UserError("give what an image shows, or one that it is like, not both")
        if client == ANONYMOUS:
            return FoundImages([], 0, 0)
        wanted = query.words.casefold().split()
        entries = [
            entry
            for entry in self._database.listed(client, MOST_SEARCHED, uploads=False)
            if all(word in entry.title.casefold() for word in wanted)
        ]
        if not (query.shows or query.like):
            chosen = [FoundImage(entry, None) for entry in entries]
            return FoundImages(chosen[query.offset : query.offset + query.limit], len(chosen), 0)
        asked = self._asked(client, query)
        known = self._embedded(entries)
        seen = [entry for entry in entries if entry.sha256 in known and entry.id != query.like]
        ranked = sorted(
            (FoundImage(entry, float(known[entry.sha256] @ asked)) for entry in _each_once(seen)),
            key=lambda one: -(one.similarity or 0.0),
        )
        page = ranked[query.offset : query.offset + query.limit]
        return FoundImages(page, len(ranked), sum(entry.sha256 not in known for entry in _each_once(entries)))

    def _asked(self, client: str, query: ImageQuery) -> Vectors:
        if query.shows:
            row: Vectors = self._embedder().embed_texts([query.shows])[0]
            return row
        entry = self._database.find(query.like, client)
        if entry is None:
            raise UserError(f"{query.like[:80]!r} is not an image of yours; choose one from the gallery")
        return self._embedded([entry], seconds=None)[entry.sha256]

    def _embedded(self, entries: Sequence[Entry], seconds: float | None = LOOKING) -> dict[str, Vectors]:
        """Return the embeddings of images by address, those made now included; not all where the time doesn't do."""
        model = self._embedder()
        known = self._known(model)
        missing = [entry for entry in _each_once(entries) if entry.sha256 not in known]
        began = time.monotonic()
        for start in range(0, len(missing), AT_ONCE):
            if seconds is not None and time.monotonic() - began > seconds:
                break
            known |= self._embed(model, missing[start : start + AT_ONCE])
        return known

    def _known(self, model: Embedder) -> dict[str, Vectors]:
        rows = self._database.file.rows("SELECT sha256, embedding FROM embeddings WHERE model = ?", (model.model_id,))
        return {sha256: np.frombuffer(stored, np.float32) for sha256, stored in rows}

    def _embed(self, model: Embedder, entries: Sequence[Entry]) -> dict[str, Vectors]:
        opened = [(entry.sha256, image) for entry in entries if (image := self._pixels(entry)) is not None]
        if not opened:
            return {}
        rows = model.embed_images([image for _, image in opened]).astype(np.float32)
        made = {sha256: row for (sha256, _), row in zip(opened, rows, strict=True)}
        insert = "INSERT OR REPLACE INTO embeddings (model, sha256, embedding) VALUES (?, ?, ?)"
        self._database.file.change(*((insert, (model.model_id, key, row.tobytes())) for key, row in made.items()))
        return made

    def _pixels(self, entry: Entry) -> Image.Image | None:
        """Return an image; ``None`` for one whose file is gone or damaged: the others can be found."""
        try:
            return self._open(entry)
        except (FileError, FileNotFoundError):
            return None


def _each_once(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries without those of the same pixels: branches of a conversation hold an image again."""
    return list({entry.sha256: entry for entry in reversed(entries)}.values())[::-1]
