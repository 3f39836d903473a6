"""Whether the own pictures look like another kind than somebody said that they show."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from imagerag.errors import InvalidArgument, UserError
from imagerag.index.user.calibration_file import calibrate_command
from imagerag.store.png import on_white

if TYPE_CHECKING:
    from imagerag.embedders.calibration import Shows
    from imagerag.index.user.store import UserPictures

LOOKED_AT, FEWEST = 24, 8
"""Pictures that are looked at, and below which nothing is said."""
SIDE = 256
"""Pixels of the longer side at which they are looked at; pixels are left out then, never mixed."""
DRAWN, PHOTOGRAPHED = 0.45, 0.32
"""Median share of neighbours of one colour from which on pictures look drawn, and up to which they look photographed.
Of 200 bundled pictograms the median is 0.66 and the lowest 0.35; of 26 photographs of scikit-image and scikit-learn the
median is 0.11 and the highest 0.31."""


def flat_share(picture: Image.Image) -> float:
    """Return the share, 0..1, of a picture's horizontal neighbours that have one colour to the last bit.

    Drawings have even areas; noise and compression leave photographs few. Transparency counts as white.
    """
    small = on_white(picture)
    small.thumbnail((SIDE, SIDE), Image.Resampling.NEAREST)
    pixels = np.asarray(small.convert("RGB"), np.int16)
    return float((pixels[:, 1:] == pixels[:, :-1]).all(axis=-1).mean()) if pixels.shape[1] > 1 else 0.0


def doubt_of_kind(own: UserPictures, model: str, shows: Shows) -> str | None:
    """Return what to tell somebody whose pictures look like another kind; ``None`` where they don't, or are few.

    Args:
        own: the pictures.
        model: name of their CLIP model, for the command.
        shows: what they are said to show.
    """
    addresses = sorted(own.snapshot().by_address, key=lambda one: hashlib.sha256(one.encode()).digest())
    shares = []
    for address in addresses[:LOOKED_AT]:
        try:
            shares.append(flat_share(own.image(address)))
        except (InvalidArgument, UserError):  # gone since: ``index verify`` tells of it
            continue
    if len(shares) < FEWEST:
        return None
    share = float(np.median(shares))
    if (share < DRAWN) if shows == "photographs" else (share > PHOTOGRAPHED):
        return None
    like: Shows = "pictograms" if shows == "photographs" else "photographs"
    return (
        f"they count as {shows} and look like {like}: in the median of {len(shares)} pictures {share:.0%} of the "
        f"neighbouring pixels have one colour, of which photographs have few and drawings many; if they are {like}, "
        f"say so: {calibrate_command(own.name, model, like)}"
    )
