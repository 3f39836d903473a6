"""The threat model: each promise names a test that exists."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "threat-model.md"
_NAMED = re.compile(r"\| (?P<file>tests/\S+\.py)::(?P<name>\w+) \|$", re.MULTILINE)


def test_each_promise_names_a_test_that_is_there() -> None:
    text = PAGE.read_text(encoding="utf-8")
    promises = [
        line
        for line in text.split("## Keys")[1].split("## What was tried")[0].splitlines()
        if line.startswith("| ") and "test |" not in line
    ]
    named = list(_NAMED.finditer(text))
    assert len(named) == len(promises) > 20, "every promise has a test"
    for one in named:
        tree = ast.parse((ROOT / one["file"]).read_text(encoding="utf-8"))
        functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert one["name"] in functions, one[0]


@pytest.mark.slow
def test_each_kind_of_fault_and_input_is_in_the_tables() -> None:
    """They are those that are made from the benchmarks' own lists."""
    checked = subprocess.run([sys.executable, "-m", "docs.tried_table", "--check"], cwd=ROOT, check=False)
    assert checked.returncode == 0, "run: python -m docs.tried_table"


def test_nothing_was_lost() -> None:
    figures = json.loads((ROOT / "docs" / "tried.json").read_text(encoding="utf-8"))
    for counts in figures["faults"].values():
        assert {name: count for name, count in counts.items() if name != "tried" and count} == {}
    assert {name for name, kept in figures["fuzz"].items() if kept["found"]} == set()
