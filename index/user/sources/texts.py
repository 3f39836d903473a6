"""Texts of people's files, in whatever encoding a program has saved them."""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

from imagerag.errors import UserError

TEXT_BYTES = 2**20
"""Bytes that are read of a text beside a picture; more is no caption."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins as UTF-16's does
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_GUESSES = {"sloppy-windows-1252": "Windows-1252", "macroman": "Mac Roman", "utf-8-variants": "a variant of UTF-8"}


class Text(NamedTuple):
    """A text that was read.

    Attributes:
        text: without a byte order mark.
        note: that its encoding had to be guessed, or empty.
    """

    text: str
    note: str = ""


def decode_text(data: bytes, name: str) -> Text:
    """Return the text: Unicode by its byte order mark, UTF-16 by its zero bytes, UTF-8, or else a guess, with a note.

    Args:
        data: the bytes; a character that is cut off at their end is left out.
        name: of the file, for the note and the error.

    Raises:
        UserError: it is no text.
    """
    codec = next((codec for mark, codec in _MARKS if data.startswith(mark)), None)
    if codec is None and b"\0" in data:
        # Of Latin letters, the zero byte stands second in little endian.
        codec = "utf-16-le" if data[1::2].count(0) > data[0::2].count(0) else "utf-16-be"
    try:
        text = codecs.getincrementaldecoder(codec or "utf-8")().decode(data)
        note = ""
    except UnicodeDecodeError:
        text, note = ("\0", "") if codec else _guessed(data, name)
    if _CONTROL.search(text):
        raise UserError(f"{name!r} is no text")
    return Text(text, note)


def _guessed(data: bytes, name: str) -> tuple[str, str]:
    from ftfy import guess_bytes

    text, codec = guess_bytes(data)
    read_as = _GUESSES.get(codec, codec)
    return text, f"is described by {name!r}, which is not UTF-8 and was read as {read_as}; save it as UTF-8 to be sure"
