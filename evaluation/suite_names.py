"""The suites by name: the bundled one, public ones from the copies that a person has, and a person's own files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from imagerag.errors import UserError
from imagerag.evaluation.loaders.registry import SUITES, load_suite, retrieval_images, suite_names
from imagerag.evaluation.records import Split, Suite
from imagerag.evaluation.suites.pictograms import pictograms

BUNDLED: Mapping[str, Callable[[Split], Suite]] = {"pictograms": pictograms}
"""Those that come with the product, and need no data."""


def open_suite(name: str, data: Path | None = None, split: Split = "", *, allow_outside: bool = False) -> Suite:
    """Return a suite.

    Args:
        name: of it, or the path of a person's own file.
        data: folder of a public set's data.
        split: the half; all prompts where empty.
        allow_outside: whether pictures that it names may lie outside its folder.

    Raises:
        UserError: no such suite, its data is lacking, it has no such half, or names pictures outside its folder.
    """
    if name not in BUNDLED:
        if name not in suite_names() and not name.endswith(".jsonl"):
            known = ", ".join([*BUNDLED, *suite_names()])
            raise UserError(f"suite {name!r} is not known; give --suite one of: {known}, or a file .jsonl")
        return load_suite(name, data, split, allow_outside=allow_outside)
    if data is not None:
        raise UserError(f"suite {name!r} comes with imagerag, so --data {str(data)!r} is of no use; leave it out")
    return BUNDLED[name](split)


def has_halves(name: str) -> bool:
    """Tell whether a suite has a half to tune on, which is what is drawn unless another is asked for."""
    return name in BUNDLED


def retrieval_pictures(name: str, data: Path | None) -> Iterable[Path] | None:
    """Return the pictures of a public set that may be looked up in; ``None`` where it has none of its own.

    Raises:
        UserError: they are not there.
    """
    if name in SUITES and SUITES[name].retrieval is not None and data is not None:
        return (one.path for one in retrieval_images(name, data))
    return None
