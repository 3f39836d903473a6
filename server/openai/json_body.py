"""JSON that clients send, read within bounds: what takes a byte on the wire may take fifty in memory."""

import re
import reprlib
from typing import Any

from pydantic_core import from_json

from imagerag.server.api_error import ApiError

MAX_ITEMS = 500_000
"""Commas and brackets of a JSON body: as objects in memory, each takes some fifty times its byte."""

MAX_WIDE = 8 * 2**20
"""Bytes of the texts of a body that hold a character beyond Latin-1. Python keeps such a text at two or four bytes for
each of its characters (PEP 393), so that one emoji makes a text of 60 MiB one of 240; pictures in base64 hold none."""
LEAST = 64
"""Bytes that each of them counts for at least, as many as a text takes by itself."""
WINDOW = 2**20
"""Bytes that are searched at once: meanwhile no other thread runs."""

SHOWN = 80
"""Characters of a value in an error."""

_WIDE = re.compile(rb"[\xc4-\xff]|\\u(?!00)")
"""What makes a text wide: the first byte of U+0100 and beyond in UTF-8, or its escape."""

_HALF = re.compile(
    rb"\\u[dD](?:[89aAbB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|(?<!\\u[dD][89aAbB][0-9a-fA-F]{2}\\u[dD])[c-fC-F][0-9a-fA-F]{2})"
)
"""One half of a pair, as JSON writes characters beyond 16 bits, without the other."""
MAX_HALVES = 10_000
"""Of these in one body; clients that cut a text leave one alone."""
_BACKSLASH, _ASIDE = b"\\\\", b"\xff\xfe"
"""An escaped backslash, and what stands for it meanwhile; no UTF-8 holds that."""


def json_of(body: bytes) -> Any:
    """Return what a body says, with a question mark for each half of a surrogate pair: no answer can repeat one.

    Raises:
        ApiError: it is no JSON, holds too many values, or too much text beyond Latin-1.
    """
    items = sum(body.count(mark) for mark in b",[{")
    if items > MAX_ITEMS:
        text = f"the body has about {items} values; at most {MAX_ITEMS} are taken: send a shorter conversation"
        raise ApiError(413, text, "request_too_large")
    if len(body) > MAX_WIDE and wide_bytes(body) > MAX_WIDE:
        text = (
            f"the body has more than {MAX_WIDE >> 20} MiB of text with characters beyond Latin-1, which takes four "
            f"times its size in memory; send a shorter conversation, and pictures as parts of their own"
        )
        raise ApiError(413, text, "request_too_large")
    body = body.removeprefix(b"\xef\xbb\xbf")
    try:
        try:
            # Not by json.loads, which first makes one text of the whole body, as wide as its widest character.
            return from_json(body)
        except ValueError as error:
            if "surrogate" not in str(error) and "hex escape" not in str(error):
                raise
            return from_json(_without_halves(body))
    except ValueError as error:
        raise ApiError(400, f"the body is not JSON: {error}", "invalid_json") from error


def _without_halves(body: bytes) -> bytes:
    """Return a body with a question mark for each half of a pair that stands alone, up to ``MAX_HALVES`` of them."""
    if _ASIDE in body:  # which is no UTF-8, and is refused as that
        return body
    return _HALF.sub(b"?", body.replace(_BACKSLASH, _ASIDE), MAX_HALVES).replace(_ASIDE, _BACKSLASH)


def wide_bytes(body: bytes) -> int:
    """Return the bytes of the texts with a character beyond Latin-1, as far as their sum passes ``MAX_WIDE``.

    A text goes from one quotation mark to the next; it may be taken for longer than it is, never for shorter.
    """
    body = body.replace(b'\\"', b"  ")  # these end no text
    total = at = 0
    for window in range(0, len(body), WINDOW):
        end_of_window = window + WINDOW + len(b"\\u00")  # an escape may lie across its end
        part = body[window:end_of_window]
        if part.isascii() and b"\\u" not in part:
            continue
        at = max(at, window)
        while found := _WIDE.search(body, at, end_of_window):
            begin = body.rfind(b'"', 0, found.start()) + 1
            end = body.find(b'"', found.end())
            at = len(body) if end < 0 else end
            total += max(LEAST, at - begin)
            if total > MAX_WIDE:
                return total
    return total


def shown(value: Any) -> str:
    """Return the beginning of a value for an error; a large one is not written out for that."""
    short = reprlib.Repr()
    short.maxstring = short.maxother = short.maxlong = SHOWN
    text = value[:SHOWN] if isinstance(value, str) else short.repr(value)[:SHOWN]
    return repr(text)
