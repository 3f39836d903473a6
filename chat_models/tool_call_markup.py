"""One call behind the mark with which it begins, in the markup of each maker; ``tool_call_parser`` lists them."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from typing import Any
from uuid import uuid4

from langchain_core.messages import ToolCall

from imagerag.chat_models.call_templates import is_placeholder
from imagerag.chat_models.lenient_json import Uncertain, decode, loads, unpacked
from imagerag.chat_models.python_calls import written_calls

Known = Mapping[str, Collection[str]]
"""Tools on offer, each with those of its parameters that are text."""

_BAR, _GAP = "[|\uff5c]", "[_\u2581 ]"
"""DeepSeek writes its marks with a wide bar and a low block; servers have plain ones in their place."""
_SPACE_OF_NAMES = rf"(?:\w+:|{_BAR}DSML{_BAR})?"
_ELEMENT = re.compile(
    rf'<{_SPACE_OF_NAMES}(?:function|invoke)(?:=|\s+name=)\s*["\'\u201c]?([^"\'\u201c\u201d<>\s]+)["\'\u201d]?\s*>'
)
_PARAMETER = re.compile(
    rf'\s*<{_SPACE_OF_NAMES}parameter(?:=|\s+name=)\s*["\'\u201c]?([^"\'\u201c\u201d>\s]+)["\'\u201d]?([^>]*)>\n?'
)
_PARAMETER_ENDS = re.compile(
    rf"\n?(?:</{_SPACE_OF_NAMES}parameter>|(?=<{_SPACE_OF_NAMES}parameter(?:=|\s+name=))"
    rf"|(?=</{_SPACE_OF_NAMES}(?:function|invoke|tool_call)\w*>))"
)
_MORE_OF_IT = re.compile(rf"(?:(?!{_ELEMENT.pattern}).)*?</?{_SPACE_OF_NAMES}parameter\b", re.DOTALL)
"""More of a call's parameters, or of a value whose end stood in it, before the next call begins."""
_ELEMENT_ENDS = re.compile(rf"\s*</{_SPACE_OF_NAMES}(?:function|invoke)>")

MARK = re.compile(
    rf"<(?:\w+:)?(?:longcat_)?tool_?(?:calls?|code)(?:>|(?=\s*\{{))|<(?:\w+:)?function_?calls?>|<start_function_call>"
    rf"|<{_BAR}(?:DSML{_BAR})?(?:tools?|function)(?:{_GAP}\w+)*{_BAR}?>|<\|python_(?:tag|start)\|>"
    rf"|<\|START_ACTION\|>|<\|action_start\|>|\[TOOL_(?:CALLS?|REQUEST)\]|\bfunctools(?=\[)|>>>(?=[\w.]+\s*\{{)"
    rf"|\bto=(?=functions\.|[\w.-]+\s*<\|)|^[^\S\n]*Action:\s*(?=[\w.]+\s+Action Input:)|(?={_ELEMENT.pattern})",
    re.IGNORECASE | re.MULTILINE,
)
"""Begins a call, or several. What may stand before it is looked for from there on back (``begin_of``): it would be read
again and again before each place that a mark might follow."""
_HEADER = re.compile(r"(?:(?:<\|start\|>)?assistant|<\|channel\|>\w+|commentary|\s)++(?=to=)", re.IGNORECASE)
"""What gpt-oss writes before ``to=``."""
_LAST_OF_HEADER = re.compile(r"<\|channel\|>\w+\Z|(?:(?:<\|start\|>)?assistant|commentary)\Z", re.IGNORECASE)
_LONGEST_OF_HEADER = 40
"""Characters of one of its parts."""

TRACE = re.compile(
    rf"</?{_BAR}?{_SPACE_OF_NAMES}(?:longcat_)?(?:(?:tools?|function){_GAP}?calls?|tool_code)|</?{_SPACE_OF_NAMES}(?:function=|function>"
    rf"|invoke\b|parameter\b)|<arg_(?:key|value)>|\[TOOL_(?:CALL|REQUEST)|tool\u2581|<\|python_(?:tag|start)"
    rf"|<start_function_call|<\|START_ACTION|\bto=functions?\b|<\|(?:start|channel)\|>[\w\s]*\Z|```tool_c(?:ode|all)"
    rf"|<\|tools_prefix|\bfunctools\[|^Action:\s*(?:[\w.]+\s*$|```)|^>>>(?!all\b)[\w.]*\s*$|\bdefault_api\.",
    re.IGNORECASE | re.MULTILINE,
)
"""Shows that an answer was to have a call in it."""

_BEFORE = re.compile(rf"\s+|<\|plugin\|>|```(?:json|tool_code|tool_call|python)?|function<{_BAR}tool{_GAP}sep{_BAR}>")
"""What may stand between a mark and the call."""
_CLOSING = re.compile(
    rf"\s*(?:</(?:{_SPACE_OF_NAMES}[\w]+)>|<{_BAR}/?(?:tool|action|python|END_ACTION)(?:{_GAP}?\w+)*{_BAR}>|<tool_call\|>"
    rf"|<end_function_call>|\[/?(?:END_)?TOOL_(?:CALLS?|REQUEST)\](?=\s*\Z)|<\|call\|>|```)"
)
_END_OF_LLAMA = re.compile(r"\s*<\|e\w+_id\|>")
_BETWEEN = re.compile(r"[\s;,]*")
_LOST = re.compile(r"[\s}\]]*+(?=\s*(?:<|\[/|```|\Z))")
"""Brackets too many."""
_NAMED = re.compile(
    rf"(?:call:\s*)?([\w.-]+)(?::\d+)?(?:\s|\[ARGS\]|\[CALL_ID\]\w+|<{_BAR}tool{_GAP}sep{_BAR}>|<\|channel\|>\w+|<\|constrain\|>"
    rf"|<\|tool_call_argument_begin\|>|<\|message\|>|\bjson\b|\bcode\b|```|Action Input:)*(?=[{{(]|<arg_key>)"
)
_ARGUMENT = re.compile(
    r"\s*<arg_key>([^<]*)</arg_key>\s*<arg_value>(.*?)(?:</arg_value>|(?=<arg_key>|</tool_call>))", re.DOTALL
)
_MORE_ARGUMENTS = re.compile(r"(?:(?!<(?:\w+:)?tool_?calls?>|<[|\uff5c]).)*?</?arg_(?:key|value)>", re.DOTALL)
_GEMMA = re.compile(
    r"(\{.*?\})\s*(?=<(?:end_function_call|tool_call\||start_function_call|\|tool_call)>|\Z)", re.DOTALL
)
_GEMMA_QUOTE = re.compile(r'<escape>|<\|"\|>')
_BARE_KEY = re.compile(r"([{,]\s*)([A-Za-z_][\w.-]*)(?=\s*:)")
ENDS_TRIED = 12
"""Places at which calls written as Python may end."""
_ENDS_PYTHON = re.compile(r"<|\[/|```|\Z")
_PREFIXES = ("functions.", "default_api.", "tools.")
"""With which OpenAI's, Google's and other models name the place that tools come from."""
_NAMES = ("name", "tool", "tool_name", "function", "function_name", "recipient_name", "action")
_ARGUMENTS = ("arguments", "parameters", "args", "input", "tool_input", "action_input")
"""Keys of a call's name and arguments: OpenAI's, Llama's, Cohere's, LangChain's and those of models' own."""


class Unreadable(ValueError):
    """There is no call whose meaning is certain; the message says why."""


class Template(Unreadable):
    """There is a call with a placeholder for a value."""


def begin_of(text: str, mark: re.Match[str], after: int) -> int:
    """Return where a mark begins, with the header before it.

    Args:
        text: of the answer.
        mark: found there by ``MARK``.
        after: where the text before the mark begins.
    """
    begin = mark.start()
    if mark[0][:3].lower() == "to=":
        while True:
            begin = after + len(text[after:begin].rstrip())
            from_here = max(after, begin - _LONGEST_OF_HEADER)
            part = _LAST_OF_HEADER.search(text[from_here:begin])
            if part is None:
                break
            begin = from_here + part.start()
    elif mark[0].lstrip()[:7].lower() == "action:":
        begin = after + len(text[after:begin].rstrip())
    return begin


def calls_after(text: str, at: int, known: Known, *, cut_off: bool = False) -> tuple[list[ToolCall], int]:
    """Return the calls behind a mark, and where they end, their closing marks included.

    Args:
        text: of the answer.
        at: where the mark ends.
        known: the tools on offer.
        cut_off: the answer ends where its writer was stopped.

    Raises:
        Unreadable: there is none.
    """
    mark = text[max(at - 20, 0) : at]
    calls: list[ToolCall] = []
    at = _skipped(text, at)
    while True:
        try:
            found, end = _one(text, at, known, cut_off)
        except Unreadable:
            if calls:
                break
            raise
        calls += found
        at = end
        between = _BETWEEN.match(text, at)
        following = between.end() if between else at
        if text[following : following + 1] not in ("{", "[") and not _ELEMENT.match(text, following):
            break
        at = following
    if lost := _LOST.match(text, at):
        at = lost.end()
    while (closing := _CLOSING.match(text, at)) and closing.end() > at:
        at = closing.end()
    if "<|python" in mark and (closing := _END_OF_LLAMA.match(text, at)):
        at = closing.end()
    return calls, at


def _skipped(text: str, at: int) -> int:
    """Return where the call begins: some write a mark twice, or marks of several kinds."""
    while (found := _BEFORE.match(text, at) or _HEADER.match(text, at) or MARK.match(text, at)) and found.end() > at:
        at = found.end()
    return at


def _one(text: str, at: int, known: Known, cut_off: bool) -> tuple[list[ToolCall], int]:
    if element := _ELEMENT.match(text, at):
        return _element(text, element, known, cut_off)
    if text[at : at + 1] in ("{", "["):
        return values_at(text, at, known, cut_off=cut_off)
    if named := _NAMED.match(text, at):
        return _named(text, named, known, cut_off)
    raise Unreadable(f"no call follows its mark, but {text[at : at + 30]!r}")


def values_at(text: str, at: int, known: Known, *, cut_off: bool = False) -> tuple[list[ToolCall], int]:
    """Return the calls of the object or the list that begins at a place, and where it ends.

    Raises:
        Unreadable: it is neither, or something in it is no call.
    """
    try:
        value, end = decode(text, at, cut_off=cut_off)
        entries = value if isinstance(value, list) else [value]
        return [_call(entry, known, cut_off) for entry in entries], end
    except Uncertain as uncertain:
        if text[at : at + 1] == "[":
            calls, end = _python_up_to_its_end(text, at, known)
            if calls:
                return calls, end
        raise Unreadable(str(uncertain)) from uncertain


def call_at(text: str, at: int, name: str, known: Known, *, cut_off: bool = False) -> tuple[list[ToolCall], int]:
    """Return the call of a tool whose arguments are the object that begins at a place, and where it ends.

    Raises:
        Unreadable: there is no such object.
    """
    arguments, end = _decoded(text, at, cut_off)
    return [_call({"name": name, "arguments": arguments}, known, cut_off)], end


def python_calls(text: str, known: Known) -> list[ToolCall]:
    """Return calls written as Python, alone or in a list, with literals as arguments; none if it is anything else."""
    try:
        return [_call(call, known, False) for call in written_calls(text)]
    except Unreadable:
        return []


def _python_up_to_its_end(text: str, at: int, known: Known) -> tuple[list[ToolCall], int]:
    """Return the calls written as Python from a place on, and where they end; none where there are none.

    What ends them may stand in a string of theirs, too.
    """
    for closing in islice(_ENDS_PYTHON.finditer(text, at), ENDS_TRIED):
        if calls := python_calls(text[at : closing.start()], known):
            return calls, closing.start()
    return [], at


def _element(text: str, element: re.Match[str], known: Known, cut_off: bool) -> tuple[list[ToolCall], int]:
    """Return the call of ``<function=NAME>`` or ``<invoke name="NAME">``, whose own end may be lost."""
    name, at = element[1], element.end()
    begin = len(text) - len(text[at:].lstrip())
    if text[begin : begin + 1] == "{":
        arguments, at = _decoded(text, begin, cut_off)
    else:
        arguments = {}
        texts = known.get(_known_name(name, known), ())
        while parameter := _PARAMETER.match(text, at):
            end = _PARAMETER_ENDS.search(text, parameter.end())
            if end is None:
                raise Unreadable(f"the parameter {parameter[1]!r} has no end")
            is_text = parameter[1] in texts or 'string="true"' in parameter[2]
            arguments[parameter[1]] = _plain(text[parameter.end() : end.start()], is_text)
            at = end.end()
    if _MORE_OF_IT.match(text, at):
        raise Unreadable(f"something stands behind a parameter of {name!r}: {text[at : at + 30]!r}")
    if end := _ELEMENT_ENDS.match(text, at):
        at = end.end()
    elif not arguments:
        raise Unreadable(f"the call of {name!r} has no end")
    return [_call({"name": name, "arguments": arguments}, known, cut_off)], at


def _named(text: str, named: re.Match[str], known: Known, cut_off: bool) -> tuple[list[ToolCall], int]:
    """Return the call whose name stands before its arguments."""
    name, at = named[1], named.end()
    if text[at] == "(":
        calls, end = _python_up_to_its_end(text, named.start(), known)
        if calls:
            return calls, end
        raise Unreadable(f"the arguments of {name!r} can't be read")
    if text[at] == "<":
        texts, arguments = known.get(_known_name(name, known), ()), {}
        while argument := _ARGUMENT.match(text, at):
            key = argument[1].strip()
            arguments[key] = _plain(argument[2], key in texts)
            at = argument.end()
        if not arguments or _MORE_ARGUMENTS.match(text, at):
            raise Unreadable(f"an argument of {name!r} has no end")
    elif named[0].startswith("call:"):
        if not (body := _GEMMA.match(text, at)):
            raise Unreadable(f"the arguments of {name!r} have no end")
        arguments, at = _decoded(_as_json(body[1]), 0, cut_off)[0], body.end()
    else:
        arguments, at = _decoded(text, at, cut_off)
    return [_call({"name": name, "arguments": arguments}, known, cut_off)], at


def _decoded(text: str, at: int, cut_off: bool) -> tuple[Any, int]:
    try:
        return decode(text, at, cut_off=cut_off)
    except Uncertain as uncertain:
        raise Unreadable(str(uncertain)) from uncertain


def _as_json(body: str) -> str:
    """Return Gemma's arguments as JSON: its keys have no quotes, and its strings have marks of their own."""
    parts = _GEMMA_QUOTE.split(body)
    return "".join(json.dumps(part) if at % 2 else _BARE_KEY.sub(r'\1"\2"', part) for at, part in enumerate(parts))


def _plain(value: str, is_text: bool) -> Any:
    """Return a parameter that is written without quotes: text where the tool wants text, else JSON where it is."""
    if is_text:
        return value
    try:
        return loads(value)
    except Uncertain:
        return value


def _call(entry: Any, known: Known, cut_off: bool) -> ToolCall:
    """Return the call that an object stands for.

    Raises:
        Unreadable: it stands for none.
    """
    name, arguments = _taken_apart(entry, known)
    try:
        arguments = unpacked(arguments, cut_off=cut_off)
    except Uncertain as uncertain:
        raise Unreadable(f"the arguments of {name!r}: {uncertain}") from uncertain
    if not isinstance(name, str) or not name:
        raise Unreadable("it names no tool")
    if not isinstance(arguments, dict):
        raise Unreadable(f"the arguments of {name!r} are no object")
    name = _known_name(name, known)
    for key in known.get(name, ()):
        if is_placeholder(arguments.get(key)):
            raise Template(f"the {key} {arguments[key]!r} of {name!r} is a placeholder")
    return {"name": name, "args": arguments, "id": f"call-{uuid4().hex[:12]}", "type": "tool_call"}


def _taken_apart(entry: Any, known: Known) -> tuple[Any, Any]:
    if not isinstance(entry, dict):
        raise Unreadable("it is no object with a name and arguments")
    if len(entry) == 1 and isinstance(inner := next(iter(entry.values())), dict) and next(iter(entry)) in known:
        return next(iter(entry)), inner
    inner = entry.get("function")
    entry = inner if isinstance(inner, dict) else entry
    name = next((entry[key] for key in _NAMES if key in entry), None)
    given: Iterator[Any] = (entry[key] for key in _ARGUMENTS if key in entry)
    return name, next(given, "no object")


def _known_name(name: str, known: Known) -> str:
    """Return a tool's name without the place that it comes from and, as Kimi has it, its number."""
    if name in known:
        return name
    plain = re.sub(r":\d+$", "", name)
    for prefix in _PREFIXES:
        plain = plain.removeprefix(prefix)
    return plain if plain in known or name.startswith(_PREFIXES) else name


def known_name(name: str, known: Collection[str]) -> str:
    """Return a tool's name without the place that a model says it comes from."""
    return _known_name(name, dict.fromkeys(known, ()))
