"""Where the pictures of a stored thread are: in the data directory that it is in, whatever the thread says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from imagerag.store.files import address_path, is_address

DEEPEST = 8
"""Levels of lists and dictionaries that are looked through; a record is at most four below its channel."""


def paths_within(value: Any, home: Path, levels: int = DEEPEST) -> Any:
    """Return plain data of a thread, in which each record's ``path`` is one of the data directory's.

    A data directory may be somebody else's, and a picture that it names elsewhere would be shown in reports and copied.
    It may have been moved, too, or was opened by another name. So a stored image is where its address says. What was
    looked up stays where it was, within the data directory; a path outside of it becomes an empty one.

    Args:
        value: as it was stored; not changed.
        home: the data directory.
        levels: how deep records are looked for.
    """
    if levels == 0:
        return value
    if isinstance(value, dict):
        told = {key: paths_within(one, home, levels - 1) for key, one in value.items()}
        if isinstance(path := told.get("path"), str) and "sha256" in told:
            told["path"] = _by_address(told, home) or (path if _is_within(path, home) else "")
        return told
    return [paths_within(one, home, levels - 1) for one in value] if isinstance(value, list) else value


def _is_within(path: str, home: Path) -> bool:
    inside = os.path.join(os.path.abspath(home), "")
    return os.path.isabs(path) and "\0" not in path and os.path.normpath(path).startswith(inside)


def _by_address(record: dict[Any, Any], home: Path) -> str:
    address = record["sha256"]
    stored = isinstance(address, str) and is_address(address) and record.get("kind") != "retrieved"
    return str(address_path(home / "images", address)) if stored else ""
