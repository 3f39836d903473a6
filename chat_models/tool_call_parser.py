"""Tool calls as models write them, read out of their text.

=============  =====================================================================================================
Hermes, Qwen   ``<tool_call>{"name": ..., "arguments": {...}}</tool_call>``
Qwen Coder     ``<tool_call><function=NAME><parameter=KEY>VALUE</parameter></function></tool_call>``
Mistral        ``[TOOL_CALLS] [{"name": ..., "arguments": {...}}]``, ``[TOOL_CALLS]NAME[ARGS]{...}``
Llama 3        ``<|python_tag|>{"name": ..., "parameters": {...}}``, that alone, ``<function=NAME>{...}</function>``
Llama 4        ``<|python_start|>[NAME(key="value"), ...]<|python_end|>``, or the list alone
Gemma          a fenced block, ``tool_code`` or ``json``, with ``NAME(key="value")``, a list of those, or an object
FunctionGemma  ``<start_function_call>call:NAME{key:<escape>value<escape>}<end_function_call>``
Gemma 4        ``<|tool_call>call:NAME{key:<|"|>value<|"|>,other:{...}}<tool_call|>``
any            one object, several, or a list of them, that is all of the answer
=============  =====================================================================================================

What a model thinks (``<think>...</think>``) is no call, whatever it says there. What can't be read stays text: nothing
here raises.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import uuid4

from langchain_core.messages import ToolCall

from imagerag.chat_models.reasoning import without_reasoning

_HERMES = re.compile(r"<tool_call>(.*?)(?:</tool_call>|\Z)", re.DOTALL)
_FUNCTION = re.compile(r"<function=([^>\s]+)>(.*?)</function>", re.DOTALL)
_PARAMETER = re.compile(r"<parameter=([^>\s]+)>\n?(.*?)\n?(?:</parameter>|\Z)", re.DOTALL)
_MISTRAL = re.compile(r"\[TOOL_CALLS\](.*?)(?=\[TOOL_CALLS\]|\Z)", re.DOTALL)
_MISTRAL_NAMED = re.compile(r"([\w.-]+)(?:\[CALL_ID\]\w+)?\s*(?:\[ARGS\])?\s*(\{.*)", re.DOTALL)
_LLAMA = re.compile(r"<\|python_(?:tag|start)\|>(.*?)(?:<\|e\w+_id\|>|<\|python_end\|>|\Z)", re.DOTALL)
_GEMMA = re.compile(
    r"<(?:start_function_call|\|tool_call)>\s*call:\s*([\w.-]+)\s*(\{.*?\})\s*"
    r"(?:<(?:end_function_call|tool_call\|)>|(?=<(?:start_function_call|\|tool_call)>)|\Z)",
    re.DOTALL,
)
_GEMMA_QUOTE = re.compile(r'<escape>|<\|"\|>')
_BARE_KEY = re.compile(r"([{,]\s*)([A-Za-z_][\w.-]*)(?=\s*:)")
_FENCED = re.compile(r"```(?:tool_code|tool_call|json|python)?\s*\n?(.*?)```", re.DOTALL)
_OPENING = re.compile(r"[<\[{`]")
"""With which every call begins that may follow other words."""
_BETWEEN = re.compile(r"[\s;,]*")

LONGEST = 20_000
"""Characters of an answer that are searched for calls."""

_UNREADABLE = (ValueError, TypeError, SyntaxError, RecursionError, MemoryError)


def text_parameters(tools: Sequence[dict[str, Any]]) -> dict[str, set[str]]:
    """Return the names of tools in OpenAI's form, each with those of its parameters that are text."""
    functions = [tool["function"] for tool in tools]
    properties = {each["name"]: each.get("parameters", {}).get("properties", {}) for each in functions}
    return {
        name: {key for key, schema in of_it.items() if schema.get("type") == "string"}
        for name, of_it in properties.items()
    }


class ParsedAnswer(NamedTuple):
    """An answer, taken apart.

    Attributes:
        text: without the calls, and without what was thought.
        calls: in order.
    """

    text: str
    calls: list[ToolCall]


def read_calls(text: str, known: Mapping[str, Collection[str]]) -> ParsedAnswer:
    """Take the tool calls out of an answer.

    Args:
        text: as the model wrote it.
        known: the tools offered, each with those of its parameters that are text. Marked calls of other tools are
            returned, too, so that the model can be told; of unmarked text only what names one of these is a call.
    """
    text = without_reasoning(text)
    if not known or len(text) > LONGEST:
        return ParsedAnswer(text, [])
    for pattern in (_HERMES, _FUNCTION, _MISTRAL, _LLAMA, _GEMMA):
        calls = [call for match in pattern.finditer(text) for call in _marked(match, known)]
        if calls:
            return ParsedAnswer(pattern.sub("", text).strip(), calls)
    for match in _FENCED.finditer(text):
        calls = [call for call in _calls(match[1]) if call["name"] in known]
        if calls:
            return ParsedAnswer((text[: match.start()] + text[match.end() :]).strip(), calls)
    calls = [call for call in _calls(text) if call["name"] in known]
    return ParsedAnswer("" if calls else text, calls)


def may_hold_calls(text: str, names: Iterable[str]) -> bool:
    """Tell, at once, whether ``read_calls`` could find any in an answer to which tools of these names were offered."""
    return _OPENING.search(text) is not None or any(name in text for name in names)


class StreamFilter:
    """Lets through, piece by piece, what of an answer can't be part of a call; the rest waits for the end.

    Args:
        known: the tools offered, as ``read_calls`` takes them.
    """

    def __init__(self, known: Mapping[str, Collection[str]]) -> None:
        self._known = known
        self._text = ""
        self._shown = 0

    def part(self, piece: str) -> str:
        """Return what may be shown now that the answer has gone on by that piece."""
        self._text += piece
        shown, self._shown = self._shown, max(self._shown, self._settled())
        return self._text[shown : self._shown]

    def end(self) -> ParsedAnswer:
        """Return the calls of the whole answer, with what is still to be shown of its text."""
        text, calls = read_calls(self._text, self._known)
        shown = self._text[: self._shown]
        return ParsedAnswer(text[len(shown.lstrip() if calls else shown) :], calls)

    def _settled(self) -> int:
        """Return how many characters of the answer are talk, whatever follows."""
        if not self._known:
            return len(self._text)
        start = self._text.lstrip()
        if any(name.startswith(start) or start.startswith(name) for name in (*self._known, "print")):
            return 0  # a call as Python writes it, alone, or its beginning
        opening = _OPENING.search(self._text)
        return len(self._text) if opening is None else opening.start()


def _marked(match: re.Match[str], known: Mapping[str, Collection[str]]) -> Iterator[ToolCall]:
    if match.re is _FUNCTION:
        yield from _function(match[1], match[2], known)
    elif match.re is _HERMES and (functions := list(_FUNCTION.finditer(match[1]))):
        for function in functions:
            yield from _function(function[1], function[2], known)
    elif match.re is _MISTRAL and (named := _MISTRAL_NAMED.match(match[1].strip())):
        arguments = next(_values(named[2]), None)
        yield from _call({"name": named[1], "arguments": arguments})
    elif match.re is _GEMMA:
        yield from _call({"name": match[1], "arguments": next(_values(_as_json(match[2])), None)})
    else:
        yield from _calls(match[1])


def _function(name: str, body: str, known: Mapping[str, Collection[str]]) -> Iterator[ToolCall]:
    if body.lstrip().startswith("{"):
        return _call({"name": name, "arguments": next(_values(body.strip()), None)})
    texts = known.get(name, ())
    return _call(
        {"name": name, "arguments": {key: _plain(value, key in texts) for key, value in _PARAMETER.findall(body)}}
    )


def _as_json(body: str) -> str:
    """Return Gemma's arguments as JSON: its keys have no quotes, and its strings have marks of their own."""
    parts = _GEMMA_QUOTE.split(body)
    return "".join(json.dumps(part) if at % 2 else _BARE_KEY.sub(r'\1"\2"', part) for at, part in enumerate(parts))


def _plain(value: str, is_text: bool) -> Any:
    """Return a parameter that is written without quotes: text where the tool wants text, else JSON where it is."""
    if is_text:
        return value
    try:
        return json.loads(value)
    except _UNREADABLE:
        return value


def _calls(text: str) -> Iterator[ToolCall]:
    for value in _values(text.strip()):
        for entry in value if isinstance(value, list) else [value]:
            yield from _call(entry)


def _values(text: str) -> Iterator[Any]:
    """Yield what a text stands for: JSON values one after the other, or calls as Python writes them."""
    at, found = 0, False
    if text.startswith(("{", "[")):
        while at < len(text) and text[at] in "{[":
            try:
                value, at = json.JSONDecoder().raw_decode(text, at)
            except _UNREADABLE:
                break
            found = True
            yield value
            between = _BETWEEN.match(text, at)
            at = between.end() if between else at
    if not found:
        yield from _python(text)


def _python(text: str) -> list[dict[str, Any]]:
    """Return calls written as Python, alone or in a list, with literals as arguments; none if it is anything else."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what a model writes is no source of ours
            body = ast.parse(text.strip()).body
        values = [statement.value if isinstance(statement, ast.Expr) else None for statement in body]
        nodes = [node for value in values for node in (value.elts if isinstance(value, ast.List) else [value])]
        calls = [_written(node) for node in nodes]
        json.dumps(calls)  # a set, bytes ...: no tool takes those
    except _UNREADABLE:
        return []
    return calls


def _written(node: object) -> dict[str, Any]:
    """Return one call.

    Raises:
        ValueError: it is something else, or has arguments that are not literals with names.
    """
    if not isinstance(node, ast.Call):
        raise ValueError("no call")
    function = node.func
    if isinstance(function, ast.Name) and function.id == "print" and len(node.args) == 1:
        return _written(node.args[0])
    if isinstance(function, ast.Attribute) and function.attr == "call":  # Llama's way with tools it was built with
        function = function.value
    if not isinstance(function, ast.Name) or node.args or not all(word.arg for word in node.keywords):
        raise ValueError("not a plain call")
    return {"name": function.id, "arguments": {str(word.arg): ast.literal_eval(word.value) for word in node.keywords}}


def _call(entry: Any) -> Iterator[ToolCall]:
    """Yield the call that an object stands for, if it is one."""
    if not isinstance(entry, dict):
        return
    inner = entry.get("function")
    entry = inner if isinstance(inner, dict) else entry
    name = entry.get("name", entry.get("tool"))
    arguments = next((entry[key] for key in ("arguments", "parameters", "args") if key in entry), None)
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except _UNREADABLE:
            return
    if isinstance(name, str) and name and isinstance(arguments, dict):
        yield {"name": name, "args": arguments, "id": f"call-{uuid4().hex[:12]}", "type": "tool_call"}
