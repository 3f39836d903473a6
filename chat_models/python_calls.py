"""Tool calls that a model has written as Python, as Gemini, Gemma and Llama 4 do."""

from __future__ import annotations

import ast
import json
import warnings
from typing import Any

_UNREADABLE = (ValueError, TypeError, SyntaxError, RecursionError, MemoryError)


def written_calls(text: str) -> list[dict[str, Any]]:
    """Return the name and the arguments of each call, alone, in lines or in a list; none if there is anything else.

    Arguments are literals with names, JSON's constants among them; ``print`` around a call is left out.
    """
    try:
        calls = [_written(node) for node in _nodes(text)]
        json.dumps(calls)  # a set, bytes ...: no tool takes those
    except _UNREADABLE:
        return []
    return calls


def called_function(text: str) -> str:
    """Return the name of the function that a line of Python calls, with constants or anything by name; else nothing."""
    try:
        node = _without_print(_nodes(text)[0])
    except (*_UNREADABLE, IndexError):
        return ""
    if not isinstance(node, ast.Call) or not (node.keywords or node.args):
        return ""
    return ast.unparse(node.func) if all(isinstance(one, ast.Constant) for one in node.args) else ""


def _nodes(text: str) -> list[ast.expr | None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what a model writes is no source of ours
        body = ast.parse(text.strip()).body
    values = [statement.value if isinstance(statement, ast.Expr) else None for statement in body]
    return [node for value in values for node in (value.elts if isinstance(value, ast.List) else [value])]


def _without_print(node: object) -> object:
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
        and len(node.args) == 1
    ):
        return node.args[0]
    return node


class _Constants(ast.NodeTransformer):
    """Makes Python's constants of JSON's."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        words = {"true": True, "false": False, "null": None}
        return ast.Constant(words[node.id]) if node.id in words else node


def _written(node: object) -> dict[str, Any]:
    """Return one call.

    Raises:
        ValueError: it is something else, or has arguments that are not literals with names.
    """
    node = _without_print(node)
    if not isinstance(node, ast.Call):
        raise ValueError("no call")
    name = ast.unparse(node.func).removesuffix(".call")  # Llama's way with tools it was built with
    if not all(part.isidentifier() for part in name.split(".")) or node.args:
        raise ValueError("not a plain call")
    if not all(word.arg for word in node.keywords):
        raise ValueError("not a plain call")
    arguments = {str(word.arg): ast.literal_eval(_Constants().visit(word.value)) for word in node.keywords}
    return {"name": name, "arguments": arguments}
