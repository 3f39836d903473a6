"""What a server's ``robots.txt`` asks of programs (RFC 9309).

Python's own ``urllib.robotparser`` takes the first rule that fits, where the longest counts, and knows no ``*`` within
a path: of ``Disallow: /w/`` and ``Allow: /w/api.php?action=mobileview&``, both of Wikimedia's, it would heed the wrong
one wherever they stand in that order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple, Self
from urllib.parse import quote, urlsplit

MOST_BYTES = 500 * 2**10
"""Of a file, as much as RFC 9309 (section 2.5) wants to be read at least."""
_LINE = re.compile(r"\s*([A-Za-z-]+)\s*:\s*(.*)")
_TOKEN = re.compile(r"[A-Za-z_-]+")
"""What names a program (section 2.2.1); versions and words that follow it mean nothing."""
_ENCODED = re.compile(r"%[0-9a-fA-F]{2}")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")


class Rule(NamedTuple):
    """One line of a group.

    Attributes:
        allows: or forbids.
        pattern: how a path begins, with ``*`` for anything; ends with ``$`` where the path has to end there.
    """

    allows: bool
    pattern: str

    def fits(self, path: str) -> bool:
        """Tell whether a path begins so, in a time that grows with both their lengths alone."""
        ends = self.pattern.endswith("$")
        first, *others = self.pattern.removesuffix("$").split("*")
        if not path.startswith(first):
            return False
        at = len(first)
        for number, part in enumerate(others, 1):
            if ends and number == len(others):
                return path.endswith(part) and len(path) - len(part) >= at
            found = path.find(part, at)
            if found < 0:
                return False
            at = found + len(part)
        return not ends or at == len(path)


class RobotsRules(NamedTuple):
    """The rules for one program.

    Attributes:
        rules: in no order.
        named: whether they are for that program by its name, and not for all.
    """

    rules: tuple[Rule, ...] = ()
    named: bool = False

    @classmethod
    def of(cls, text: str, program: str) -> Self:
        """Read a file; what is no rule in it means nothing.

        Args:
            text: of the file; anything.
            program: its name, letters, ``-`` and ``_`` alone. Where no group names it, those for ``*`` count.
        """
        own: list[Rule] = []
        all_: list[Rule] = []
        is_named = False
        names: list[str] = []
        in_rules = False
        for name, value in _lines(text):
            if name == "user-agent":
                if in_rules:
                    names, in_rules = [], False
                token = "*" if value.startswith("*") else (_TOKEN.match(value) or [""])[0]
                names.append(token.lower())
                is_named |= token.lower() == program.lower()
            elif name in ("allow", "disallow"):
                in_rules = True
                if value:
                    rule = Rule(name == "allow", _plain(value))
                    own += [rule] * (program.lower() in names)
                    all_ += [rule] * ("*" in names)
        return cls(tuple(own if is_named else all_), is_named)

    def allow(self, url: str) -> bool:
        """Tell whether an address may be asked: the longest rule that fits decides, of two as long what allows."""
        parts = urlsplit(url)
        path = _plain((parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
        if path == "/robots.txt":
            return True
        best = max(((len(rule.pattern), rule.allows) for rule in self.rules if rule.fits(path)), default=(0, True))
        return best[1]


def _lines(text: str) -> Iterable[tuple[str, str]]:
    for line in text.removeprefix("\ufeff").splitlines():
        if found := _LINE.fullmatch(line.partition("#")[0].rstrip()):
            yield found[1].lower(), found[2]


def _plain(path: str) -> str:
    """Return a path, or a pattern, with each sign written in one way (section 2.2.2)."""

    def written(found: re.Match[str]) -> str:
        sign = chr(int(found[0][1:], 16))
        return sign if _UNRESERVED.fullmatch(sign) else found[0].upper()

    return _ENCODED.sub(written, quote(path, safe="%/?:@!$&'()*+,;=[]~"))
