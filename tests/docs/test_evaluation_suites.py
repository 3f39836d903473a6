"""The page of suites and metrics names each that there is, and what it needs."""

import re

from imagerag.evaluation.loaders.registry import suite_names
from imagerag.evaluation.metrics.package_scores import PACKAGES
from imagerag.evaluation.metrics.registry import METRICS
from tests.docs.pages import text_of

PAGE = "docs/evaluation-suites.md"


def rows(heading: str) -> dict[str, str]:
    """Return the rows of a section's first table by each of the names in their first cells."""
    section = text_of(PAGE).partition(f"\n## {heading}\n")[2].partition("\n## ")[0].partition("\n### ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return {name: line for line in lines for name in re.findall(r"`([^`]+)`", line.split(" | ")[0])}


def test_each_suite_has_a_row() -> None:
    assert list(rows("Suites")) == suite_names()


def test_each_metric_has_a_row_that_names_its_package() -> None:
    found = rows("Metrics")
    assert set(found) == set(METRICS)
    for name, kind in METRICS.items():
        cells = found[name].split(" | ")
        assert cells[2].strip().partition(",")[0] == kind.better, name
        package = PACKAGES[name].package if name in PACKAGES else kind.requires.removeprefix("package ")
        if name in PACKAGES or kind.requires.startswith("package "):
            assert f"`{package}`" in cells[3], name
        for need, words in {"real images": "real pictures", "references": "references", "seeds": "seeds"}.items():
            assert (need in kind.needs) == (words in cells[3]), (name, need)
