"""The bundled suite: pictograms whose truth is known, for the embedded generator and any other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from imagerag.evaluation.records import Concept, Split, Suite, SuitePrompt

FILE = Path(__file__).with_name("pictograms.jsonl")


def pictograms(split: Split = "") -> Suite:
    """Return the suite, as ``training/build_pictogram_suite.py`` made it.

    Its strata: ``known``, whose things the base set of the embedded generator has; ``lacking``, with one or two that it
    lacks and the bundled library has; ``nowhere``, which neither has. Forms: alone, in pairs, two lacking ones, with a
    style, colour, count, place or absence.

    Args:
        split: one half; both where empty. The loop is improved on ``development`` alone.
    """
    rows = (json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines())
    prompts = tuple(_prompt(row) for row in rows if split in ("", row["split"]))
    return Suite(
        name="pictograms",
        prompts=prompts,
        licence="Apache-2.0",
        source="imagerag",
        library=("bundled",),
        notes=("things are recognised by a network; counts, places, colours, styles and absences are read off the "
               "layout that the embedded generator records",),
    )  # fmt: skip


def _prompt(row: dict[str, Any]) -> SuitePrompt:
    concepts = tuple(Concept(**concept) for concept in row.pop("concepts"))
    return SuitePrompt(**{**row, "concepts": concepts, "accepted": tuple(row.get("accepted", ()))})
