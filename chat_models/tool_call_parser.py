"""Tool calls as models write them, read out of their text.

=============  =====================================================================================================
Hermes, Qwen   ``<tool_call>{"name": ..., "arguments": {...}}</tool_call>``
Qwen Coder     ``<tool_call><function=NAME><parameter=KEY>VALUE</parameter></function></tool_call>``
GLM            ``<tool_call>NAME<arg_key>KEY</arg_key><arg_value>VALUE</arg_value></tool_call>``
MiniMax        ``<minimax:tool_call><invoke name="NAME"><parameter name="KEY">VALUE</parameter></invoke>...``
DeepSeek       ``<|tool_calls_begin|><|tool_call_begin|>function<|tool_sep|>NAME``, then fenced JSON, and so on (with
               its own bars and gaps); ``<|DSML|invoke name="NAME"><|DSML|parameter name="KEY" string="true">VALUE...``
Kimi           ``<|tool_call_begin|>functions.NAME:0<|tool_call_argument_begin|>{...}<|tool_call_end|>``
gpt-oss        ``<|channel|>commentary to=functions.NAME <|constrain|>json<|message|>{...}<|call|>``
Mistral        ``[TOOL_CALLS] [{"name": ..., "arguments": {...}}]``, ``[TOOL_CALLS]NAME[ARGS]{...}``
Llama 3        ``<|python_tag|>{"name": ..., "parameters": {...}}``, that alone, ``<function=NAME>{...}</function>``
Llama 4, LFM2  ``<|python_start|>[NAME(key="value"), ...]<|python_end|>``, or the list alone
Gemma, Gemini  a fenced block, ``tool_code`` or ``json``, with ``NAME(key="value")``, a list of those, or an object;
               ``print(default_api.NAME(key="value"))``
FunctionGemma  ``<start_function_call>call:NAME{key:<escape>value<escape>}<end_function_call>``
Gemma 4        ``<|tool_call>call:NAME{key:<|"|>value<|"|>,other:{...}}<tool_call|>``
others         ``<|tool_call|>[...]``, ``<|START_ACTION|>[...]``, ``functools[...]``, ``[TOOL_REQUEST]{...}``,
               ``>>>NAME``, ``Action: NAME`` with ``Action Input: {...}``
named          ``NAME {...}``, ``NAME: {...}``, ``[NAME] {...}``, ``NAME[ARGS]{...}``, ``functions.NAME:0{...}`` and
               ``<NAME>{...}</NAME>``, on a line of its own, at the end of the answer
any            one object, several, or a list of them, or Python, that is all of the answer or all of its end
=============  =====================================================================================================

What a model thinks (``<think>...</think>``) is no call, whatever it says there. JSON with mistakes is read where its
meaning is certain. What can't be read stays text, and ``broken_call`` says so: nothing here raises.
"""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from langchain_core.messages import ToolCall

from imagerag.chat_models.call_templates import without_templates, words_follow
from imagerag.chat_models.calls_of_no_tool import call_of_no_tool
from imagerag.chat_models.lenient_json import decode
from imagerag.chat_models.reasoning import without_reasoning
from imagerag.chat_models.tool_call_markup import (
    MARK,
    TRACE,
    Template,
    Unreadable,
    begin_of,
    call_at,
    calls_after,
    python_calls,
    values_at,
)

_FENCED = re.compile(r"```(?:tool_code|tool_call|json|python)?(.*?)```", re.DOTALL)
_OPENING = re.compile(r"[<\[{`>]|\bfunctools|\bto=|\bAction:")
"""With which every call begins that may follow other words."""
_ENDING = re.compile(r"(?:```|</s>|<\|\w+\|>)\Z")
LONGEST_ENDING = 40
"""Characters of a mark at the end."""
_LEADING = ("print(", "default_api.", "functions.")
"""What stands before the name in a call as Python writes it."""
_BETWEEN = re.compile(r"[\s;,]*")
_NOTHING_MORE = re.compile(r"(?:\s|```|[}\]]|</?[\w:]+>|<\|\w+\|>)*\Z")
"""What may stand behind a call that no mark ends."""

LONGEST = 20_000
"""Characters of an answer that are searched for calls."""

PLACES_TRIED = 60
"""Places in an answer at which a call without a mark is looked for."""


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


class _Span(NamedTuple):
    """A part of a text in which calls stand."""

    start: int
    end: int
    calls: list[ToolCall]


def read_calls(text: str, known: Mapping[str, Collection[str]], *, cut_off: bool = False) -> ParsedAnswer:
    """Take the tool calls out of an answer.

    Args:
        text: as the model wrote it.
        known: the tools offered, each with those of its parameters that are text. Marked calls of other tools are
            returned, too, so that the model can be told; of unmarked text only what names one of these is a call.
        cut_off: the answer ends where its writer was stopped.
    """
    text = without_reasoning(text)
    spans = _spans(text, known, cut_off)
    if not spans:
        return ParsedAnswer(text, [])
    left, at = "", 0
    for span in spans:
        left, at = left + text[at : span.start], span.end
    return ParsedAnswer((left + text[at:]).strip(), [call for span in spans for call in span.calls])


def calls_at_the_end(text: str, known: Mapping[str, Collection[str]]) -> list[ToolCall]:
    """Return the calls with which a text ends, marks of thoughts left out of account; none if it ends otherwise."""
    spans = _spans(text, known, False)
    calls: list[ToolCall] = []
    end = len(text)
    for span in reversed(spans):
        if not _NOTHING_MORE.fullmatch(text[span.end : end]):
            break
        calls, end = span.calls + calls, span.start
    return calls


def broken_call(
    text: str, known: Mapping[str, Collection[str]], *, cut_off: bool = False, beside_calls: bool = False
) -> str | None:
    """Return why a call that stands in the text can't be read; ``None`` where nothing looks like one.

    Args:
        text: what ``read_calls`` has left.
        known: the tools offered.
        cut_off: the answer ends where its writer was stopped.
        beside_calls: others were read, so that a tool's name in the talk before them shows no further one.
    """
    text = without_reasoning(text)
    if not known:
        return None
    if "&lt;" in text:
        text = html.unescape(text)
    names = "|".join(map(re.escape, known))
    named = re.search(
        rf"""["'\u201c]?(?:name|tool|tool_name|function|action)\\?["'\u201d]?\s*[:=]\s*\\?["'\u201c](?:\w+\.)?(?:{names})\\?["'\u201d]"""
        rf"|(?<![\w.])(?:\w+\.)?(?:{names})\(|\bAction:\s*(?:{names})\b"
        rf"|(?:^|[:.`])[ \t]*(?:-[ \t]*)?(?:name|tool|tool_name|function|action)[ \t]*:"
        rf"[ \t]*(?:\w+\.)?(?:{names})[ \t]*$",
        talk := without_templates(text, known),
        re.MULTILINE,
    )
    trace = TRACE.search(text) or named
    if trace is None and not beside_calls:
        if wrapped := call_of_no_tool(text.strip(), cut_off=cut_off):
            return wrapped
        trace = _mentioned(known).search(talk)
    if trace is None:
        return None
    if len(text) > LONGEST:
        return f"it is longer than {LONGEST} characters"
    for mark in MARK.finditer(text):
        try:
            calls_after(text, mark.end(), known, cut_off=cut_off)
        except Unreadable as error:
            return str(error)
    text = trace.string
    begin = text.rfind("{", 0, trace.start() + 1) if named is trace else -1
    if begin >= 0:
        try:
            _, end = values_at(text, begin, known, cut_off=cut_off)
            return f"something else follows: {text[end : end + 30]!r}"
        except Template as error:
            return None if words_follow(text, decode(text, begin)[1]) else str(error)
        except Unreadable as error:
            return str(error)
    return f"there is no whole call at {text[trace.start() : trace.start() + 40]!r}"


def _mentioned(known: Mapping[str, Collection[str]]) -> re.Pattern[str]:
    """Return what finds a tool's name, in any case, with what stands beside names in calls rather than in talk."""
    name = rf"(?<!\w)(?:{'|'.join(map(re.escape, known))})(?:_\w+)?(?!\w)"
    parameters = "|".join({re.escape(key) for keys in known.values() for key in keys}) or r"(?!)"
    return re.compile(
        rf"</?{name}\b|\bto={name}|\bcall:[\w.:]*{name}\s*\{{"
        rf"|{name}(?:[^.!?]{{0,20}}?(?:\{{|\[ARGS\]|(?<![-=])>)|[^\w.!?]{{0,8}}:|\W{{1,8}}(?:{parameters})\W{{0,3}}[:=])",
        re.IGNORECASE,
    )


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
        begins = [len(self._text) if opening is None else opening.start()]
        for word in (*self._known, *_LEADING):
            at = self._text.find(word)
            begun = next((size for size in range(len(word) - 1, 0, -1) if self._text.endswith(word[:size])), 0)
            begins.append(at if at >= 0 else len(self._text) - begun)
        return min(begins)


def _spans(text: str, known: Mapping[str, Collection[str]], cut_off: bool) -> list[_Span]:
    """Return where calls stand: behind their marks; else in a fenced block; else at the end of the answer."""
    if not known or len(text) > LONGEST:
        return []
    return list(_marked(text, known, cut_off)) or _fenced(text, known, cut_off) or _bare(text, known, cut_off)


def _marked(text: str, known: Mapping[str, Collection[str]], cut_off: bool) -> Iterator[_Span]:
    at = 0
    while mark := MARK.search(text, at):
        try:
            calls, end = calls_after(text, mark.end(), known, cut_off=cut_off)
        except Unreadable:
            at = mark.end() if mark.end() > mark.start() else mark.end() + 1
            continue
        yield _Span(begin_of(text, mark, at), end, calls)
        at = end


def _fenced(text: str, known: Mapping[str, Collection[str]], cut_off: bool) -> list[_Span]:
    for match in _FENCED.finditer(text):
        body = match[1].strip()
        calls = [call for call in _calls_of(body, 0, known, cut_off)[0] if call["name"] in known]
        if calls:
            return [_Span(match.start(), match.end(), calls)]
    return []


def _bare(text: str, known: Mapping[str, Collection[str]], cut_off: bool) -> list[_Span]:
    """Return the calls that are all of the answer, or all that follows its talk."""
    names = "|".join(map(re.escape, known))
    head = rf"^[ \t]*(?:<({names})>\s*|\[?(?:\w+\.)?({names})(?::\d+)?\]?(?:\[ARGS\]|:)?\s*)(?=\{{)"
    begins = re.compile(
        rf"{head}|[{{\[]|(?<![\w.=])(?<!=\s)(?:print\(\s*)?(?:\w+\.)?(?:{names})(?:\.call)?\s*\(", re.MULTILINE
    )
    end = _end_of_words(text)
    for tried, begin in enumerate(begins.finditer(text)):
        if tried == PLACES_TRIED:
            break
        if name := begin[1] or begin[2]:
            try:
                calls, at = call_at(text[:end], begin.end(), name, known, cut_off=cut_off)
            except Unreadable:
                continue
        else:
            calls, at = _calls_of(text[:end], begin.start(), known, cut_off)
        if calls and _NOTHING_MORE.match(text, at) and all(call["name"] in known for call in calls):
            return [_Span(begin.start(), len(text), calls)]
    return []


def _calls_of(text: str, at: int, known: Mapping[str, Collection[str]], cut_off: bool) -> tuple[list[ToolCall], int]:
    """Return the calls from a place on, as JSON one after the other or as Python up to the end, and where they end."""
    calls: list[ToolCall] = []
    while text[at : at + 1] in ("{", "["):
        try:
            found, at = values_at(text, at, known, cut_off=cut_off)
        except Unreadable:
            break
        calls += found
        between = _BETWEEN.match(text, at)
        at = between.end() if between else at
    return (calls, at) if calls else (python_calls(text[at:], known), len(text))


def _end_of_words(text: str) -> int:
    """Return where an answer ends, the marks and blanks at its end left aside."""
    end = len(text)
    while True:
        end = len(text[:end].rstrip())
        found = _ENDING.search(text[max(0, end - LONGEST_ENDING) : end])
        if found is None:
            return end
        end -= len(found[0])
