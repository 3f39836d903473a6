"""Settings, profiles, presets and prices in TOML, which may be anybody's."""

import re
import tomllib
from pathlib import Path
from typing import Any

from imagerag.regular_files import SETTINGS_BYTES, read_regular_text

MOST_PARTS = 64
"""Of a dotted key: ``tomllib`` takes time that grows with the square of their number, a minute for 100,000."""

_PART = r"(?:[A-Za-z0-9_-]{1,256}+|\"[^\"\n]{0,256}+\"|'[^'\n]{0,256}+')"
_LONG_KEY = re.compile(rf"(?<![\w.\"'-]){_PART}(?:[ \t]{{0,8}}+\.[ \t]{{0,8}}+{_PART}){{{MOST_PARTS},{MOST_PARTS}}}")


def read_toml(path: str | Path) -> dict[str, Any]:
    """Return the tables of a file.

    Raises:
        OSError: it can't be read, is no regular file, or has more than ``SETTINGS_BYTES``.
        ValueError: it is no TOML in UTF-8, or has a key of more than ``MOST_PARTS`` parts.
        RecursionError: it is nested too deeply.
    """
    text = read_regular_text(path, most=SETTINGS_BYTES)
    for number, line in enumerate(text.split("\n"), 1):
        if line.count(".") >= MOST_PARTS and _LONG_KEY.search(line):
            raise ValueError(f"a key in line {number} has more than {MOST_PARTS} parts")
    return tomllib.loads(text)
