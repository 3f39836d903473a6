"""JSON as models write it: read where its meaning is certain, refused where a reader would have to guess.

Certain are raw line breaks in a string, single, typographic or triple quotes, a trailing comma, names without quotes,
Python's ``True``, ``False`` and ``None``, quotes within a string that nobody escaped, and brackets lost at the end
behind a value that is whole. Two strings without a comma between them and a name with two different values are not,
and neither is a string or a number that the text breaks off in: the rest of it is nowhere. (Repairers such
as json-repair make something of every text, also of these, and do not tell where a value ends.)
"""

import json
import re
from typing import Any

LONGEST_NESTING = 60
"""Brackets within brackets that are read; what is deeper is no answer."""

TIMES_ENCODED = 3
"""How often a value may have been made into a string."""

OBJECTS_TRIED = 500
"""Places in a text at which an object is looked for."""

MOST_READ = 4_000_000
"""Characters behind such places that held none, in all: each may be read to the end of the text."""

QUOTES = {'"': '"', "'": "'", "\u201c": "\u201d", "\u2018": "\u2019"}
"""Opening and closing quotes of strings."""

_SPACE = re.compile(r"\s*")
_NAME = re.compile(r"[A-Za-z_][\w.-]*")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_WORDS = {"true": True, "false": False, "null": None, "True": True, "False": False, "None": None}
_ESCAPES = {'"': '"', "'": "'", "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_AFTER_VALUE = re.compile(r"\s*(?:[,}\]]|\Z|</|<\||<\uff5c|```)")
"""What stands behind a string that is an entry; the marks are those with which calls end."""
_AFTER_NAME = re.compile(r"\s*:")
_END = re.compile(r"\s*(?:\Z|[<`])")
"""The end of what was written, or of the call that it stands in."""
_ENTRY_ENDS = r"""(?:["'\u201d\u2019\]}\d]|\b(?:true|false|null|True|False|None))\s*,"""
_VALUE_FOLLOWS = re.compile(
    rf"""(?:(?:["'\u201d\u2019]|(?:\{{|{_ENTRY_ENDS}|\w+\s*:\s*\w+\s*,)\s*[A-Za-z_][\w.-]*)\s*:[\s\[]*|{_ENTRY_ENDS}\s*)\Z"""
)
"""The place of a value in JSON: behind a name's colon, or the comma behind an entry. Talk has colons and commas too."""
_LONGEST_NAME = 200
"""Characters before a place that are looked at, to tell whether it is that of a value."""


class Uncertain(ValueError):
    """The text is no JSON whose meaning is certain; the message says what is wrong, and where."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object of those entries.

    Raises:
        Uncertain: a name has two values.
    """
    value: dict[str, Any] = {}
    for name, given in pairs:
        _put(value, name, given)
    return value


def _put(value: dict[str, Any], name: str, given: Any) -> None:
    if name in value and repr(value[name]) != repr(given):  # 1 is True to Python, and not to JSON
        raise Uncertain(f"{name!r} is given twice, with different values")
    value[name] = given


_strict = json.JSONDecoder(object_pairs_hook=_once)


def decode(text: str, at: int = 0, *, cut_off: bool = False) -> tuple[Any, int]:
    """Return the value that begins at a place, and where it ends.

    Args:
        text: holds the value, and anything behind it.
        at: place of its first character, 0-based.
        cut_off: the text ends where its writer was stopped, so that lost brackets tell that more was to come.

    Raises:
        Uncertain: there is none.
    """
    try:
        return _strict.raw_decode(text, at)
    except Uncertain:
        raise
    except RecursionError as error:
        raise Uncertain("it is nested too deeply") from error
    except ValueError:
        return _Reader(text, at, cut_off).read()


def loads(text: str, *, cut_off: bool = False) -> Any:
    """Return the value that the whole of a text stands for.

    Raises:
        Uncertain: there is none, or something else stands beside it.
    """
    text = text.strip()
    value, end = decode(text, cut_off=cut_off)
    if rest := text[end:].strip():
        raise Uncertain(f"something else follows: {rest[:40]!r}")
    return value


def unpacked(value: Any, *, cut_off: bool = False) -> Any:
    """Return a value that may have been made into a string of JSON, once or more often; an empty one stands for ``{}``.

    Raises:
        Uncertain: the string is no JSON.
    """
    for _ in range(TIMES_ENCODED):
        if not isinstance(value, str):
            break
        value = loads(value, cut_off=cut_off) if value.strip() else {}
    return {} if value is None else value


class _Reader:
    """Reads one value; brackets that are open at the end of the text count as closed where nothing is half written."""

    def __init__(self, text: str, at: int, cut_off: bool) -> None:
        self._text, self._at, self._cut_off = text, at, cut_off
        self._open: list[str] = []

    def read(self) -> tuple[Any, int]:
        return self._value(), self._at

    def _value(self) -> Any:
        self._skip()
        here = self._text[self._at : self._at + 1]
        if here in ("{", "["):
            if len(self._open) >= LONGEST_NESTING:
                raise self._wrong("it is nested too deeply")
            self._at += 1
            self._open.append(here)
            value = self._object() if here == "{" else self._array()
            self._open.pop()
            return value
        if here in QUOTES and here:
            return self._string(_AFTER_VALUE)
        return self._plain()

    def _object(self) -> dict[str, Any]:
        value: dict[str, Any] = {}
        while not self._closes("}", begun=bool(value)):
            name = self._name()
            self._skip()
            if self._text[self._at : self._at + 1] != ":":
                raise self._wrong("a colon is missing")
            self._at += 1
            _put(value, name, self._value())
            if self._closes("}", begun=True):
                break
            self._comma()
        return value

    def _array(self) -> list[Any]:
        value: list[Any] = []
        while not self._closes("]", begun=bool(value)):
            value.append(self._value())
            if self._closes("]", begun=True):
                break
            self._comma()
        return value

    def _closes(self, bracket: str, *, begun: bool) -> bool:
        """Tell whether the object or list ends here, by its own bracket, an outer one, or the end of the text."""
        self._skip()
        here = self._text[self._at : self._at + 1]
        if here == bracket:
            self._at += 1
            return True
        if not begun or self._after_comma():
            return False
        if here in ("}", "]"):  # this one's own was lost, if the bracket is that of an outer one
            if ("{" if here == "}" else "[") not in self._open[:-1]:
                raise self._wrong(f"{bracket!r} is missing")
            return True
        if _END.match(self._text, self._at):
            if self._cut_off or self._text[self._at - 1 : self._at].isdigit():
                raise self._wrong("it breaks off")
            return True
        return False

    def _after_comma(self) -> bool:
        return self._text[: self._at].rstrip().endswith(",")

    def _comma(self) -> None:
        self._skip()
        if self._text[self._at : self._at + 1] != ",":
            raise self._wrong("a comma or a bracket is missing")
        self._at += 1

    def _name(self) -> str:
        self._skip()
        if self._text[self._at : self._at + 1] in tuple(QUOTES):
            return self._string(_AFTER_NAME)
        if found := _NAME.match(self._text, self._at):
            self._at = found.end()
            return found[0]
        raise self._wrong("a name is missing")

    def _string(self, after: re.Pattern[str]) -> str:
        """Return a string up to the first of its quotes that something stands behind which may follow a string."""
        opening = self._text[self._at]
        quote = QUOTES[opening]
        if self._text.startswith(opening * 3, self._at):
            return self._tripled(opening * 3, after)
        begin, at = self._at, self._at + 1
        read: list[str] = []
        within = 0
        while at < len(self._text):
            here = self._text[at]
            if here == "\\":
                character, at = self._escaped(at)
                read.append(character)
                continue
            at += 1
            if here == quote:
                if after.match(self._text, at):
                    if within % 2 and quote == '"':
                        raise self._wrong("a quote is missing in the string", begin)
                    self._at = at
                    return "".join(read)
                if after is _AFTER_VALUE and _AFTER_NAME.match(self._text, at):
                    raise self._wrong("a quote is missing in the string", begin)
                if (next_one := _SPACE.match(self._text, at)) and self._text.startswith(
                    (opening, quote), next_one.end()
                ):
                    raise self._wrong("a comma is missing, or a quote is one too many,", begin)
                within += 1
            read.append(here)
        raise self._wrong("the string has no end", begin)

    def _tripled(self, quotes: str, after: re.Pattern[str]) -> str:
        """Return a string in Python's triple quotes, in which single ones stand as they are."""
        begin, at = self._at, self._at + len(quotes)
        read: list[str] = []
        while at < len(self._text):
            if self._text.startswith(quotes, at) and after.match(self._text, at + len(quotes)):
                self._at = at + len(quotes)
                return "".join(read)
            character, at = self._escaped(at) if self._text[at] == "\\" else (self._text[at], at + 1)
            read.append(character)
        raise self._wrong("the string has no end", begin)

    def _escaped(self, at: int) -> tuple[str, int]:
        """Return the character that an escape stands for, and where the text goes on."""
        mark = self._text[at + 1 : at + 2]
        if mark == "u":
            try:
                first = str(_strict.decode(f'"{self._text[at : at + 6]}"'))
            except ValueError as error:
                raise self._wrong("an escape is not whole", at) from error
            if "\ud800" <= first <= "\udbff" and self._text[at + 6 : at + 8] == "\\u":
                try:
                    return str(json.loads(f'"{self._text[at : at + 12]}"')), at + 12
                except ValueError as error:
                    raise self._wrong("an escape is not whole", at) from error
            return first, at + 6
        if mark not in _ESCAPES:
            raise self._wrong(f"there is no escape {self._text[at : at + 2]!r}", at)
        return _ESCAPES[mark], at + 2

    def _plain(self) -> Any:
        if (found := _NAME.match(self._text, self._at)) and found[0] in _WORDS:
            self._at = found.end()
            return _WORDS[found[0]]
        if found := _NUMBER.match(self._text, self._at):
            try:
                value = json.loads(found[0])
            except ValueError as error:  # Python makes no number of thousands of digits
                raise self._wrong("a number is too long") from error
            self._at = found.end()
            return value
        raise self._wrong("a value is missing, or has no quotes")

    def _skip(self) -> None:
        found = _SPACE.match(self._text, self._at)
        self._at = found.end() if found else self._at

    def _wrong(self, what: str, at: int | None = None) -> Uncertain:
        place = self._at if at is None else at
        return Uncertain(
            f"{what} at {self._text[place : place + 30]!r}" if place < len(self._text) else f"{what} at the end"
        )


def objects_in(text: str, *, cut_off: bool = False) -> list[dict[str, Any]]:
    """Return the objects in a text, those within others left out, in the order in which they stand there.

    An object within one that can't be read is left out, too: what it was to be is not known.

    Args:
        text: talk, with JSON anywhere in it.
        cut_off: see ``decode``.
    """
    found: list[dict[str, Any]] = []
    at, unreadable, left = 0, -1, MOST_READ
    for _ in range(OBJECTS_TRIED):
        start = text.find("{", at)
        if start < 0 or left < 0:
            break
        try:
            value, at = decode(text, start, cut_off=cut_off)
        except Uncertain:
            at = start + 1
            left -= len(text) - start
            unreadable = start if unreadable < 0 else unreadable
            continue
        if not _within(text, unreadable, start):
            found.append(value)
    return found


def _within(text: str, outer: int, at: int) -> bool:
    """Tell whether a place is that of a value within the object that begins at ``outer``, if any does."""
    if outer < 0 or not _VALUE_FOLLOWS.search(text[max(outer, at - _LONGEST_NAME) : at]):
        return False
    return text.count("{", outer, at) > text.count("}", outer, at)
