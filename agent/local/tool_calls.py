"""Tool calls as local models write them, read out of their text.

=============  =====================================================================================
Hermes, Qwen   ``<tool_call>{"name": ..., "arguments": {...}}</tool_call>``
Mistral        ``[TOOL_CALLS] [{"name": ..., "arguments": {...}}]``
Llama 3        ``<|python_tag|>{"name": ..., "parameters": {...}}``, or that object alone
Gemma          a fenced block, ``tool_code`` or ``json``, with ``name(key="value")`` or an object
any            one object, or a list of them, that is all of the answer
=============  =====================================================================================

What can't be read stays text: nothing here raises.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple
from uuid import uuid4

from langchain_core.messages import ToolCall

_HERMES = re.compile(r"<tool_call>\s*(.*?)\s*(?:</tool_call>|\Z)", re.DOTALL)
_MISTRAL = re.compile(r"\[TOOL_CALLS\]\s*(.*)", re.DOTALL)
_LLAMA = re.compile(r"<\|python_tag\|>\s*(.*?)(?:<\|e\w+_id\|>|\Z)", re.DOTALL)
_FENCED = re.compile(r"```(?:tool_code|tool_call|json|python)?\s*\n?(.*?)```", re.DOTALL)
LONGEST = 20_000
"""Characters of an answer that are searched for calls."""


class Reading(NamedTuple):
    """An answer, taken apart.

    Attributes:
        text: without the calls.
        calls: in order.
    """

    text: str
    calls: list[ToolCall]


def read_calls(text: str, known: Collection[str]) -> Reading:
    """Take the tool calls out of an answer.

    Args:
        text: as the model wrote it.
        known: names of the tools offered. Marked calls of other tools are returned, too, so that the model can be told;
            of unmarked text only what names one of these is a call.
    """
    if not known or len(text) > LONGEST:
        return Reading(text, [])
    for pattern in (_HERMES, _MISTRAL, _LLAMA):
        found = list(pattern.finditer(text))
        calls = [call for match in found for call in _calls(match[1])]
        if calls:
            return Reading(pattern.sub("", text).strip(), calls)
    for match in _FENCED.finditer(text):
        calls = [call for call in _calls(match[1]) if call["name"] in known]
        if calls:
            return Reading((text[: match.start()] + text[match.end() :]).strip(), calls)
    calls = [call for call in _calls(text) if call["name"] in known]
    return Reading("" if calls else text, calls)


def _calls(text: str) -> Iterator[ToolCall]:
    value = _object(text.strip())
    for entry in value if isinstance(value, list) else [value]:
        call = _call(entry)
        if call is not None:
            yield call


def _object(text: str) -> Any:
    """Return what a text stands for: JSON, the first JSON in it that is whole, or calls as Python writes them."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    start = min((at for at in (text.find("{"), text.find("[")) if at >= 0), default=-1)
    if start == 0:
        try:
            return json.JSONDecoder().raw_decode(text)[0]
        except (ValueError, RecursionError):
            return None
    return _python(text)


def _python(text: str) -> list[dict[str, Any]] | None:
    """Return calls written as Python, with arguments that are literals."""
    try:
        body = ast.parse(text.strip(), mode="exec").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    calls = []
    for statement in body:
        node = statement.value if isinstance(statement, ast.Expr) else None
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print" and node.args:
            node = node.args[0] if isinstance(node.args[0], ast.Call) else node
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.args:
            return None
        try:
            arguments = {word.arg: ast.literal_eval(word.value) for word in node.keywords if word.arg}
        except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
            return None
        try:
            json.dumps(arguments)
        except (TypeError, ValueError):  # a set, bytes ...: no tool takes those
            return None
        calls.append({"name": node.func.id, "arguments": arguments})
    return calls or None


def _call(entry: Any) -> ToolCall | None:
    if not isinstance(entry, dict):
        return None
    inner = entry.get("function")
    entry = inner if isinstance(inner, dict) else entry
    name = entry.get("name", entry.get("tool"))
    arguments = next((entry[key] for key in ("arguments", "parameters", "args") if key in entry), None)
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except (ValueError, RecursionError):
            return None
    if not isinstance(name, str) or not name or not isinstance(arguments, dict):
        return None
    return {"name": name, "args": arguments, "id": f"call-{uuid4().hex[:12]}", "type": "tool_call"}
