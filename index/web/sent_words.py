"""Which words of a caption leave this machine: what things are called, and nothing by which somebody is reached.

A caption is a piece of the prompt, and people put into prompts what has no business in a search: "a business card with
jane@example.org", "a poster that says ...", a key that was pasted along.
"""

from __future__ import annotations

import re

from imagerag.credentials import HIDDEN, without_credentials

_ADDRESS = re.compile(
    r"(?:\b(?:e-?mail|mail|website|url)\b[:.]?\s+)?(?:\S+@\S+\.\w+|\b[a-z][a-z0-9+.-]*://\S*|\bwww\.\S+)", re.IGNORECASE
)
_NUMBER = re.compile(
    r"(?:\+|\b(?:tel|phone|fax|call)\b[.:]?\s*)\(?\d(?:[ ()./-]{0,2}\d){4,}|(?<![\w.])\d(?:[ ()./-]{0,2}\d){8,}(?!\w)",
    re.IGNORECASE,
)
"""Of a telephone, an account or a card: by what it is called, or nine digits and more, which neither a date nor a span
of years has."""
_LETTERING = re.compile(r"\b(?:(?:that|which) (?:says?|reads?|said)|saying)\b.*", re.IGNORECASE | re.DOTALL)
"""What is to be written in the picture; no search finds pictures by that."""
_LEFT_OVER = re.compile(r"(?:\s+(?:at|with|of|for|to|by|from|and|or|an?|the))+\s*$|^\s*(?:an?|the)\s*$", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]{2}")


def sent_words(caption: str) -> str:
    """Return what is sent of a caption: without addresses, numbers of persons, keys, and what is to be written.

    Returns:
        A caption; empty where nothing is left that names a thing.
    """
    plain = without_credentials(caption).replace(HIDDEN, " ") if len(caption) >= 8 else caption
    for what in (_LETTERING, _ADDRESS, _NUMBER):
        plain = what.sub(" ", plain)
    if plain == caption:
        return caption
    plain = _LEFT_OVER.sub("", " ".join(plain.split())).strip(" ,;:-")
    return plain if _WORD.search(plain) else ""
