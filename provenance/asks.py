"""What licences ask of whoever shares a picture that was made with others."""

from __future__ import annotations

from typing import Literal

from imagerag.licences import ALL_RIGHTS_RESERVED, UNKNOWN, normalised, terms_of

Ask = Literal["attribution", "share-alike", "non-commercial", "no derivatives", "notice", "permission", "unknown"]

WORDS: dict[Ask, str] = {
    "attribution": "name the creator and the source, link the licence, and say that you changed the picture",
    "notice": "put the licence's text, with its copyright notice, beside what you share",
    "share-alike": "share what you make of it under the same licence, or one that it calls compatible",
    "non-commercial": "don't use it commercially",
    "no derivatives": "don't share what you make of it",
    "permission": "ask whoever holds the rights for permission before you share it",
    "unknown": "nobody has said what is allowed: ask whoever holds the rights before you share it",
}
"""In the order in which they are told."""

OF_PROGRAMS = ("Apache-", "MIT", "ISC", "BSD-", "OFL-", "GPL-", "LGPL-", "GFDL-", "LAL-")
"""Begins of licences that want their text passed on, where Creative Commons' want to be named and linked."""


def asks_of(licence: str, kind: str = "") -> tuple[Ask, ...]:
    """Return what a licence asks; nothing where that is empty.

    Args:
        licence: an identifier, or what a source calls it.
        kind: of the reference; a ``subject`` is the person's own picture, of which nothing is asked unless a licence
            was recorded with it.
    """
    if licence.strip().casefold() == "own" or (kind == "subject" and licence.strip() in ("", UNKNOWN)):
        return ()
    name = licence if terms_of(licence) is not None else normalised(licence)
    terms = terms_of(name)
    if name == ALL_RIGHTS_RESERVED:
        return ("permission",)
    if terms is None:
        return ("unknown",)
    asks: list[Ask] = []
    if terms.attribution:
        asks.append("notice" if name.startswith(OF_PROGRAMS) else "attribution")
    if terms.share_alike:
        asks.append("share-alike")
    if not terms.commercial:
        asks.append("non-commercial")
    if not terms.derivatives:
        asks.append("no derivatives")
    return tuple(asks)
