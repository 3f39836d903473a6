"""Texts, addresses and fields of other people's answers, made plain and bounded."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

from imagerag.index.web.candidates import SourceFailed

LONGEST_TITLE = 200
LONGEST_NAME = 120
"""Characters of whoever made a picture."""
LONGEST_ADDRESS = 500
MOST_TAGS = 100
"""Of a text that is made plain; those who made a picture are named with a few."""
MOST_NESTED = 8
"""Steps of a path into an answer."""
MOST_ROWS = 200
"""Of an answer, whose megabytes may be tens of thousands; no source is asked for as many."""
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_WITHIN_WORDS = "\u200c\u200d"
"""Joiners, without which names in Persian or Hindi are spelt wrongly."""
_VOID = frozenset({"br", "hr", "img", "input", "wbr", "meta", "link", "area", "col", "source"})


class _Text(HTMLParser):
    """Collects what a reader would see."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.parts.append(" ")
        styles = [said or "" for name, said in attrs if name == "style"]
        hides = tag in ("script", "style") or any(map(_HIDDEN.search, styles))
        if tag not in _VOID and (self._hidden or hides):
            self._hidden.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.parts.append(" ")
        if tag in self._hidden:
            while self._hidden.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)


def plain_text(value: Any, most: int = LONGEST_TITLE) -> str:
    """Return a field as one line of text without markup and control characters, at most ``most`` characters.

    Anything but a text or a number is empty.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    text = _bounded(str(value), 50 * most)
    if "<" in text or "&" in text:
        reader = _Text()
        reader.feed(text)
        reader.close()
        text = "".join(reader.parts)
    visible = "".join(
        " " if unicodedata.category(sign)[0] in "CZ" and sign not in _WITHIN_WORDS else sign for sign in text
    )
    line = re.sub(r"\s+([,.;:)])", r"\1", " ".join(visible.split()))
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def _bounded(text: str, most: int) -> str:
    """Return the begin of a text, with at most ``MOST_TAGS`` beginnings of tags.

    The time of ``HTMLParser`` grows with the square of their number where they are left open.
    """
    pieces = text[:most].split("<", MOST_TAGS + 1)
    return "<".join(pieces[: MOST_TAGS + 1])


def web_address(value: Any, most: int = LONGEST_ADDRESS) -> str:
    """Return an ``http`` or ``https`` address, also of one without a scheme (``//host/path``); else an empty text.

    So is one that is longer than ``most``, has a user or a password, or holds what no address can.
    """
    if not isinstance(value, str):
        return ""
    address = f"https:{value.strip()}" if value.strip().startswith("//") else value.strip()
    if len(address) > most or any(sign.isspace() or not sign.isprintable() or sign in '<>"' for sign in address):
        return ""
    try:
        parts = urlsplit(address)
        known = parts.scheme in ("http", "https") and parts.hostname and parts.username is None
        _ = parts.port
    except ValueError:
        return ""
    return address if known else ""


def at(value: Any, path: str) -> Any:
    """Return what stands at a path such as ``thumbnail.src`` or ``creators.0.name``; ``None`` where nothing does."""
    for step in path.split(".")[:MOST_NESTED] if path else ():
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def rows_at(answer: Any, path: str, source: str) -> list[Mapping[str, Any]]:
    """Return the records that stand at a path, at most ``MOST_ROWS``; what is no record among them is left out.

    Raises:
        SourceFailed: no list is there.
    """
    found = at(answer, path)
    if not isinstance(found, list):
        where = f"no list at {path!r}" if path else "no list"
        raise SourceFailed(
            f"the web source {source!r} answers with {where}; it may have changed, or its address be that of another "
            "service",
            f"the web source {source!r} answers with what can't be read",
        )
    return [row for row in found[:MOST_ROWS] if isinstance(row, Mapping)]
