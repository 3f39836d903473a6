"""Lists and objects that a program has written into a text, as CSV makes of all it holds: in JSON, Python or NumPy."""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Mapping
from typing import Any

LONGEST = 2**16
"""Characters of a text that is read as Python; its parser takes many times that in memory."""
_OPENED_AND_CLOSED = {"[": "]", "(": ")", "{": "}"}
_NEIGHBOURS = re.compile(r"(['\"])\s+(?=['\"])")
"""Between texts of a list of NumPy's, which has no commas."""
_NO_VALUE = frozenset({"nan", "NaN", "null", "NaT"})
"""Names that stand for no value where a list was written out."""


def written_value(text: str) -> Any:
    """Return the list, tuple or object that a text is; ``None`` if it is none, or none in JSON or Python's literals.

    Nothing in it is run: names and calls make it no value.
    """
    text = text.strip()
    if not text or _OPENED_AND_CLOSED.get(text[0]) != text[-1]:
        return None
    for reading in (json.loads, _of_python):
        try:
            value = reading(text)
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            continue
        if isinstance(value, (list, tuple, Mapping)):
            return value
    return None


def _of_python(text: str) -> Any:
    if len(text) > LONGEST:
        raise ValueError("too long")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of backslashes in paths
        tree = ast.parse(_NEIGHBOURS.sub(r"\1, ", text), mode="eval")
    return ast.literal_eval(_WithoutNames().visit(tree))


class _WithoutNames(ast.NodeTransformer):
    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.copy_location(ast.Constant(None), node) if node.id in _NO_VALUE else node
