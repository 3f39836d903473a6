"""Checks of packages that an operator installs: what they refuse is neither shown nor drawn with.

An entry point of the group ``imagerag.moderations`` is a function of a picture and of what it is (``fetched`` from the
web or by a mounted tool, or ``drawn``). It returns why the picture may not be shown, or an empty text. Being installed,
it is asked; no setting leaves it out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from imagerag.errors import UserError
from imagerag.plugins import installed, make

if TYPE_CHECKING:
    from PIL import Image

Kind = Literal["fetched", "drawn"]
LONGEST = 200
"""Characters of a reason that are told."""


def is_moderated() -> bool:
    """Tell whether any check is installed."""
    return bool(installed("moderations"))


def refusal(picture: Image.Image, kind: Kind) -> str:
    """Return why a picture may not be shown, naming the check, or an empty text.

    Raises:
        UserError: a check can't be asked, or fails: then nothing is shown unchecked.
    """
    for name in installed("moderations"):
        reason = make("moderations", name, picture, kind)
        if reason:
            return f"{name}: {' '.join(str(reason).split())[:LONGEST]}"
    return ""


def refusal_of_file(data: bytes, kind: Kind) -> str:
    """Return why a picture's file may not be shown, or an empty text; of one that can't be decoded, who reads it tells.

    Raises:
        UserError: as ``refusal``.
    """
    if not is_moderated():
        return ""
    from imagerag.store.picture_decoding import read_picture

    try:
        picture = read_picture(data)
    except UserError:
        return ""
    return refusal(picture, kind)
