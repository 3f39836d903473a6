"""Texts that fit into rows, reports and one line, whatever people's files hold."""

from __future__ import annotations

from collections.abc import Iterable

CAPTION_LENGTH = 500
"""Characters that are kept of a caption, a title, a licence or where a picture comes from."""
REPORTED = 1000
"""Characters of a line in a report; a path of that length is the longest seen in practice."""
LISTED = 20
"""Names that a list in a message has at most."""
_NAME = 60
_MARK = " ... "


def one_line(text: str) -> str:
    """Return a text in one line, without halves of characters, which no file takes."""
    return " ".join(text.encode("utf-8", "replace").decode().split())


def shown(text: str) -> str:
    r"""Return a text with what is not valid UTF-8 written out, as ``\udcff``: no report or row takes it as it is."""
    return text.encode("utf-8", "backslashreplace").decode()


def shortened(text: str, most: int = REPORTED) -> str:
    """Return a text of at most ``most`` characters: its start and its end, if it has more."""
    if len(text) <= most:
        return text
    start = (most - len(_MARK)) * 2 // 3
    return text[:start] + _MARK + text[len(text) - (most - len(_MARK) - start) :]


def listed(names: Iterable[object]) -> str:
    """Return names in a list for a message, in one line, the first of many."""
    every = [shortened(one_line(shown(str(name))) or repr(name), _NAME) for name in names]
    return ", ".join(every[:LISTED]) + (f" and {len(every) - LISTED} more" if len(every) > LISTED else "")


def in_words(stem: str) -> str:
    """Return a file's name in words."""
    return " ".join(stem.replace("_", " ").replace("-", " ").split())
