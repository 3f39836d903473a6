"""Answers that are nothing but a call, of no tool that was offered: misspelt, invented, cut off, or of unknown markup.

Taken for a last word, each of them would end the run in silence. Talk with an object or some code in it is talk.
"""

from __future__ import annotations

import re
from typing import Any

from imagerag.chat_models.lenient_json import Uncertain, decode
from imagerag.chat_models.python_calls import called_function

_SAYING = frozenset(
    {
        "answer", "final", "final_answer", "response", "reply", "message", "text", "content", "output", "result",
        "summary", "done", "status", "explanation", "reason", "p", "b", "i", "em", "strong", "div", "span", "html",
    }
)  # fmt: skip
"""Keys and elements, HTML's among them, in which models wrap their last word, which is no call."""
_ONE_ELEMENT = re.compile(r"<([\w:.-]+)(?:\s[^>]*)?>.*</\1\s*>", re.DOTALL)
_FENCE = re.compile(r"\A```\w*\s*\n(.*?)\n?(?:```)?\Z", re.DOTALL)
_OBJECT = re.compile(r"""\[?\s*\{\s*\\*["'\u201c]?\w+\\*["'\u201d]?\s*:""")
_PYTHON = re.compile(r"\[?\s*(?:print\(\s*)?[A-Za-z_][\w.]*\(.*\)\s*\]?", re.DOTALL)


def call_of_no_tool(text: str, *, cut_off: bool = False) -> str | None:
    """Return why an answer that is one object, list, element or line of Python is no call; ``None`` if it is talk.

    Args:
        text: the whole answer, without space around it; none of the tools is named in it as in a call.
        cut_off: the answer ends where its writer was stopped.
    """
    if fence := _FENCE.match(text):
        text = fence[1].strip()
    if _OBJECT.match(text):
        return _object(text, cut_off)
    if _PYTHON.fullmatch(text) and (name := called_function(text)):
        return f"the call of {name!r} names none of the tools"
    if (element := _ONE_ELEMENT.fullmatch(text)) and element[1].lower() not in _SAYING:
        return f"the element <{element[1]}> is no call of any tool"
    return None


def _object(text: str, cut_off: bool) -> str | None:
    try:
        value, end = decode(text, cut_off=cut_off)
    except Uncertain as uncertain:
        return str(uncertain)
    if text[end:].strip() or _is_said(value):
        return None
    return f"the object names none of the tools: {text[:40]!r}"


def _is_said(value: Any) -> bool:
    entries = value if isinstance(value, list) else [value]
    return all(isinstance(one, dict) and all(key.lower() in _SAYING for key in one) for one in entries)
