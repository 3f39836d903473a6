"""The threat model: each promise names a test that exists."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "threat-model.md"
_NAMED = re.compile(r"\| (?P<file>tests/\S+\.py)::(?P<name>\w+) \|$", re.MULTILINE)


def test_each_promise_names_a_test_that_is_there() -> None:
    text = PAGE.read_text(encoding="utf-8")
    promises = [
        line for line in text.split("## Keys")[1].splitlines() if line.startswith("| ") and "test |" not in line
    ]
    named = list(_NAMED.finditer(text))
    assert len(named) == len(promises) > 20, "every promise has a test"
    for one in named:
        tree = ast.parse((ROOT / one["file"]).read_text(encoding="utf-8"))
        functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert one["name"] in functions, one[0]
