"""The one place that writes to the terminal: what could steer it is taken out of every text, whoever wrote that.

A manifest, a caption, a table's header, a model's or a server's error can hold escape sequences, which set the title
and the clipboard, move the cursor, or turn the reading direction.
"""

import json
import logging
import re
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

_STEERING = re.compile(r"[^\n\x20-\x7e\xa1-\u02ff]")
"""What may steer: all but what most texts are made of, which is never looked at one by one."""
_JOINERS = "\u200c\u200d"
"""Join and part letters, as in Persian, and the parts of an emoji; they steer nothing."""


def visible(text: str) -> str:
    """Return text that steers nothing; its line breaks stay.

    Control characters, marks of direction and halves of characters become U+FFFD, tabs a space.
    """
    return _STEERING.sub(lambda found: _shown(found[0]), text)


def printable(text: str) -> str:
    """Return text that comes from an image, a library or a model as one line that steers nothing."""
    return visible(" ".join(text.split()))


def say(text: str, *, file: TextIO | None = None, flush: bool = False) -> None:
    """Print lines.

    Args:
        text: without the last line break.
        file: standard output unless given.
        flush: at once, whatever comes after.
    """
    print(visible(text), file=file or sys.stdout, flush=flush)


def say_path(path: str, file: TextIO) -> None:
    """Print the path that a command is run for: for a program letter by letter, for a person so that it steers nothing.

    Its folder is the person's own choice, and its name is made of letters and digits.
    """
    print(visible(path) if file.isatty() else path, file=file, flush=True)


def say_json(document: object, file: TextIO) -> None:
    """Print one JSON document in a line. What could steer is there as JSON's own escapes, so nothing is lost."""
    text = json.dumps(document, ensure_ascii=False)
    print(_STEERING.sub(_escaped, text), file=file, flush=True)


def write_sequence(sequence: str, file: TextIO) -> None:
    """Write an escape sequence of ours, such as a picture, and a line break."""
    file.write(sequence + "\n")
    file.flush()


class VisibleFormatter(logging.Formatter):
    """Formats what libraries log, which may name what files hold."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record in lines that steer nothing."""
        return visible(super().format(record))


def guard_logging() -> None:
    """Let warnings of libraries, which go to standard error where nothing is configured, steer nothing."""
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(VisibleFormatter())


@contextmanager
def logging_in_lines() -> Iterator[None]:
    """Let all that is logged meanwhile go to standard error in lines that steer nothing.

    The MCP SDK gives the root logger a handler of rich's where it has none: that renders a traceback for half a second
    and more, in which a server answers nobody.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(logging.WARNING)
    handler.setFormatter(VisibleFormatter("%(asctime)s %(levelname)s: %(message)s"))
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)


def _shown(character: str) -> str:
    if character in "\t\u2028\u2029":
        return " "
    return "\N{REPLACEMENT CHARACTER}" if _steers(character) else character


def _steers(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Cs") and character not in _JOINERS


def _escaped(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1] if _steers(found[0]) else found[0]
