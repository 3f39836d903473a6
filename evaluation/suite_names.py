"""The suites by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from imagerag.errors import UserError
from imagerag.evaluation.records import Split, Suite
from imagerag.evaluation.suites.pictograms import pictograms

BUNDLED: Mapping[str, Callable[[Split], Suite]] = {"pictograms": pictograms}
"""Those that come with the product, and need no data folder."""


def open_suite(name: str, data: Path | None = None, split: Split = "") -> Suite:
    """Return a suite.

    Args:
        name: of it.
        data: folder of a public set's data.
        split: the half; both where empty, or where the suite has none.

    Raises:
        UserError: no such suite, its data is lacking, or it has no such half.
    """
    if name not in BUNDLED:
        raise UserError(f"suite {name!r} is not known; give --suite one of: {', '.join(BUNDLED)}")
    if data is not None:
        raise UserError(f"suite {name!r} comes with imagerag, so --data {str(data)!r} is of no use; leave it out")
    return BUNDLED[name](split)
