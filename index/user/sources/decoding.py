"""From an item to a picture that can be embedded: its bytes are read once, for the digest and for the pixels."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from imagerag.errors import UserError
from imagerag.index.user.sources.items import Item
from imagerag.index.user.sources.origins import read_origin
from imagerag.store.picture_decoding import read_picture, readable_formats
from imagerag.store.png import on_white

if TYPE_CHECKING:
    from PIL import Image

SIDE = 512
"""Pixels on the longer side at which a picture waits to be embedded; no model here takes more."""


class Decoded(NamedTuple):
    """An item that was read.

    Attributes:
        item: the item, without its bytes.
        sha256: of the bytes, hex: the picture's identity, wherever it lies.
        picture: what the embedder takes; ``None`` if it is embedded already.
        look: 64 bits that near-duplicates nearly share; see ``perceptual_hash``.
        note: what a person should know of how it was taken, or empty.
        problem: why it could not be read, or empty.
    """

    item: Item
    sha256: str
    picture: Any
    look: int
    note: str
    problem: str = ""


def decode(item: Item, embedded: Callable[[str], bool], prepare: Callable[[Image.Image], Any]) -> Decoded:
    """Read an item, and decode it unless a picture of the same bytes is embedded already.

    What can't be read, or is no picture, comes back with the problem in one line; without a digest if no bytes were to
    be had, which says nothing of what was there before.
    """
    data, item = item.data, item._replace(data=None)
    if item.problem:
        return Decoded(item, "", None, 0, "", item.problem)
    sha256 = ""
    try:
        data = read_origin(item.origin) if data is None else data
        sha256 = hashlib.sha256(data).hexdigest()
        if embedded(sha256):
            return Decoded(item, sha256, None, 0, "")
        note = _note(data)
        picture = _small(data, item.key)
    except UserError as error:
        return Decoded(item, sha256, None, 0, "", str(error))
    return Decoded(item, sha256, prepare(picture), perceptual_hash(picture), note)


def perceptual_hash(picture: Image.Image) -> int:
    """Return 64 bits that hardly change when a picture is scaled, recompressed or slightly recoloured.

    Whether each of 8 x 8 grey cells is brighter than its right neighbour (dHash; N. Krawetz, "Kind of Like That",
    2013). 0 is a flat picture, of which the bits say nothing.
    """
    from PIL import Image as pil

    grey = np.asarray(on_white(picture).convert("L").resize((9, 8), pil.Resampling.BOX), np.int16)
    return int.from_bytes(np.packbits(grey[:, 1:] > grey[:, :-1]).tobytes(), "big")


def _small(data: bytes, name: str) -> Image.Image:
    picture = read_picture(data, name=f"image {name!r}")
    if max(picture.size) > SIDE:
        picture.thumbnail((SIDE, SIDE))
    return picture


def _note(data: bytes) -> str:
    """Return a note about further frames, if there are any; the pixels are not decoded."""
    import warnings

    from PIL import Image as pil

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = pil.open(io.BytesIO(data), formats=readable_formats())
            frames = getattr(image, "n_frames", 1)
    except Exception:  # whatever a decoder raises: decoding meets it again and words it
        return ""
    return f"has {frames} frames or pages; the first one is indexed" if frames > 1 else ""
