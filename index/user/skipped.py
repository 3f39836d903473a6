"""What adding left out: a file beside the shards, so that ``index status`` can tell it later."""

from __future__ import annotations

import json
from pathlib import Path

SKIPPED = "skipped.json"


def read_skipped(directory: Path) -> dict[str, list[dict[str, str]]]:
    """Return what the last adding of each source left out, with the reasons."""
    try:
        report: dict[str, list[dict[str, str]]] = json.loads((directory / SKIPPED).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return report
