"""The prompt as it was typed: joined, cleaned of line breaks, and refused where no picture could come of it."""

import codecs
import sys
import unicodedata
from collections.abc import Sequence
from typing import TextIO

from imagerag.errors import UserError

MAX_PROMPT = 4000
"""Characters; the tools take no more (``imagerag.tools.builtin.MAX_PROMPT``, which is slow to import)."""

EXAMPLE = 'for example: imagerag "a lobster in a kimono"'


def read_prompt(words: Sequence[str], stdin: TextIO | None = None) -> str:
    """Return the prompt: the words joined by spaces, or standard input when the only word is ``-``.

    Raises:
        UserError: nothing in it, too long, control characters, or bytes that are no text.
    """
    if list(words) == ["-"]:
        text = _from_stream(sys.stdin if stdin is None else stdin)
    elif words:
        text = " ".join(words)
    else:
        raise UserError(f"no prompt given; say what to draw, {EXAMPLE}")
    return checked_prompt(text)


def checked_prompt(text: str) -> str:
    """Return a prompt in one line.

    Raises:
        UserError: nothing in it, too long, or control characters.
    """
    text = " ".join(text.split())
    if not text:
        raise UserError(f"the prompt {text!r} is empty; say what to draw, {EXAMPLE}")
    if len(text) > MAX_PROMPT:
        raise UserError(
            f"the prompt {text[:40] + '...'!r} has {len(text)} characters; shorten it to at most {MAX_PROMPT}"
        )
    for place, character in enumerate(text, start=1):
        if unicodedata.category(character) in ("Cc", "Cs"):
            raise UserError(
                f"the prompt has {character!r} as its character {place}, which is no text; take it out, {EXAMPLE}"
            )
    return text


def _from_stream(stream: TextIO | None) -> str:
    if stream is None:
        raise UserError(
            f"the prompt '-' stands for standard input, which is closed; type the prompt instead, {EXAMPLE}"
        )
    try:
        # Enough to tell that it is too long, whatever is piped in: a character is at most four bytes.
        size = 4 * (MAX_PROMPT + 1)
        buffer = getattr(stream, "buffer", None)
        # Python would let bytes that are no UTF-8 through under some locales.
        return stream.read(size) if buffer is None else codecs.decode(_whole(buffer.read(size), size), "utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"the prompt on standard input is not UTF-8 ({error.reason}); send text, {EXAMPLE}") from error


def _whole(data: bytes, size: int) -> bytes:
    """Drop a character that reading only ``size`` bytes has cut in two."""
    end = len(data)
    while len(data) == size and end and data[end - 1] & 0xC0 == 0x80:
        end -= 1
    return data if end == len(data) else data[: end - 1]
