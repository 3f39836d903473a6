"""Where the image is in the answer of an images API: in base64, as a ``data:`` URL, by address, or the body itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from imagerag.store.data_urls import decoded, is_data_url

_LISTS = ("data", "images", "output", "artifacts")
"""Keys of the list of images: OpenAI's, and those of servers that are nearly like it."""
_BASE64 = ("b64_json", "base64", "image_base64", "b64")
_ADDRESS = ("url", "image_url", "uri")
_ADDRESS_START = re.compile(r"[a-z][a-z0-9+.-]*:|/|[^\s]+\.(?:png|jpe?g|webp)(?:$|[?#])", re.IGNORECASE)
"""How an address begins, or all of it: with a scheme, a slash, or as the name of an image's file."""


class Found(NamedTuple):
    """The first image of an answer: its file, or where that is.

    Attributes:
        data: the file; empty where it has to be fetched.
        address: where it can be fetched; empty where it is here.
        entry: what the answer tells of that image besides.
    """

    data: bytes = b""
    address: str = ""
    entry: Mapping[str, Any] = {}


def first_image(body: Any) -> Found | None:
    """Return the first image of an answer that was read as JSON; ``None`` where there is none.

    Raises:
        ValueError: what should be base64 is none.
    """
    entries = body
    if isinstance(body, dict):
        entries = next((body[key] for key in _LISTS if body.get(key)), body)
    entry = entries[0] if isinstance(entries, list) and entries else entries
    if isinstance(entry, str) and entry.strip():
        return _of_text(entry)
    if not isinstance(entry, dict):
        return None
    for key in _BASE64:
        if isinstance(entry.get(key), str) and entry[key]:
            return Found(decoded(entry[key]), entry=entry)
    for key in _ADDRESS:
        given = entry.get(key)
        given = given.get("url") if isinstance(given, dict) else given
        if isinstance(given, str) and given.strip():
            given = given.strip()
            found = Found(decoded(given)) if is_data_url(given) else Found(address=given)
            return found._replace(entry=entry)
    return None


def _of_text(text: str) -> Found:
    text = text.strip()
    if is_data_url(text):
        return Found(decoded(text))
    return Found(address=text) if _ADDRESS_START.match(text) and not text.startswith("/9j/") else Found(decoded(text))
