"""What adding left out: a file beside the shards, so that ``index status`` can tell it later."""

from __future__ import annotations

import json
from pathlib import Path

from imagerag.regular_files import read_regular

SKIPPED = "skipped.json"


def read_skipped(directory: Path) -> dict[str, list[dict[str, str]]]:
    """Return what the last adding of each source left out, with the reasons."""
    try:
        report: dict[str, list[dict[str, str]]] = json.loads(read_regular(directory / SKIPPED))
    except (OSError, ValueError, RecursionError):
        return {}
    return report
