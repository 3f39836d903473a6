"""Calls that a model only talks about: ``generate {prompt}``, ``generate(...)``, values such as ``<prompt>``.

None of them can be run. One with words behind it stands in a sentence; one that ends the answer may be a call that the
model has left unfilled, and is for whoever reads the answer to give back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_PLACEHOLDER = re.compile(r"\s*(?:\{\{?[\w ./-]*\}?\}|<[\w ./-]+>|\[[\w ./-]+\]|\$\{?[A-Za-z_]\w*\}?|\.{2,}|\u2026)\s*")
_BRACES = re.compile(r"(?<!:[\"'])(?<!: [\"'])\{\{?[ \t]*+(?P<one>[\w-]+)?(?:(?<=\w)[ \t]+[\w-]+)*[ \t]*\}?\}")
_WORDS_FOLLOW = re.compile(r"""["'`\u201d\u2019)\]]*(?:[,;.!?:]|\s+[^\s{<\[(]*\w)""")
"""The rest of a sentence, its full stop included."""
_ARGUMENTS = r"\(\s*(?:[A-Za-z_]\w*(?:\s*,\s*[A-Za-z_]\w*)*|\.{2,}|\u2026)?\s*\)"
"""Names of parameters, or dots, in place of arguments."""
_BESIDE = 8
"""Characters between a tool's name and the brace of its arguments."""


def is_placeholder(value: object) -> bool:
    """Tell whether a value stands for another one that was to be put in its place."""
    return isinstance(value, str) and _PLACEHOLDER.fullmatch(value) is not None


def words_follow(text: str, at: int) -> bool:
    """Tell whether a sentence goes on, or ends, at a place."""
    return _WORDS_FOLLOW.match(text, at) is not None


def without_templates(text: str, names: Iterable[str]) -> str:
    """Return a text without placeholders in braces, and without calls of those names that have none but placeholders.

    Those right behind a name, and calls, are left where no word follows them.
    """
    name = rf"(?<![\w.])(?:\w+\.)?(?:{'|'.join(map(re.escape, names))})"
    beside = re.compile(rf"{name}\W{{0,{_BESIDE}}}\Z", re.IGNORECASE)

    def kept(found: re.Match[str]) -> str:
        only_one = found[0].strip("{} \t") == found["one"]
        called = beside.search(text, max(0, found.start() - 80), found.start()) is not None
        return found[0] if called and not (only_one and words_follow(text, found.end())) else ""

    text = _BRACES.sub(kept, text)
    return re.sub(
        rf"{name}{_ARGUMENTS}", lambda found: "" if words_follow(found.string, found.end()) else found[0], text
    )
