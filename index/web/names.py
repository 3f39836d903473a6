"""The names of web sources: those built in, and those of the file that ``IMAGERAG_WEB_SOURCES`` names."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from imagerag.errors import UserError
from imagerag.regular_files import SETTINGS_BYTES, read_regular_text
from imagerag.settings import LIBRARIES, is_mcp_search

FILE = "IMAGERAG_WEB_SOURCES"
BUILT_IN = ("openverse", "commons", "met", "cleveland", "inaturalist")


def web_source_names() -> list[str]:
    """Return the names of all sources.

    Raises:
        UserError: the person's file can't be read, or has a name that is taken.
    """
    return [*BUILT_IN, *own_tables()]


def own_tables() -> Mapping[str, Any]:
    """Return the tables of the person's file, by name; none where there is no file.

    Raises:
        UserError: see ``web_source_names``.
    """
    file = os.environ.get(FILE)
    if not file:
        return {}
    path = Path(os.path.expanduser(file))
    try:
        stamp = path.stat().st_mtime_ns
    except (OSError, ValueError) as error:
        raise UserError(f"web sources file {file!r} can't be read ({error}); mend it or unset {FILE}") from error
    return _tables(path, stamp)


@lru_cache(maxsize=4)
def _tables(path: Path, stamp: int) -> Mapping[str, Any]:
    import tomllib  # here, since most have no such file

    try:
        tables = tomllib.loads(read_regular_text(path, most=SETTINGS_BYTES))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"web sources file {str(path)!r} can't be read ({error}); mend it or unset {FILE}") from error
    for name in tables:
        if name in (*BUILT_IN, *LIBRARIES) or is_mcp_search(name):
            raise UserError(f"web source {name!r} in {str(path)!r} has a name that is taken; call it otherwise")
    return tables
