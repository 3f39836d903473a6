"""What a chat model answered, made into what tools and checkpoints can take, whatever it was.

Arguments that are not JSON, repeated ids, floods of calls or of words become something that the tools can refuse with a
message the model understands.
"""

import json
from typing import Any, cast
from uuid import uuid4

from langchain_core.messages import AIMessage, ToolCall

from imagerag.chat_models.endings import finish_reason, was_cut_off
from imagerag.chat_models.lenient_json import Uncertain, unpacked

MAX_CALLS = 8
"""Tool calls taken from one answer; a model that repeats itself makes hundreds."""

MAX_WORDS = 4000
"""Characters of an answer's text that are kept."""

MAX_ARGUMENTS = 20_000
"""Characters of a call's arguments, as JSON."""

NOT_JSON = "not_json"
"""Key under which a call carries arguments that were not JSON; the tools node refuses it."""


def tidy(message: AIMessage, most_words: int = MAX_WORDS) -> AIMessage:
    """Return the answer with calls that can all be answered: unique ids, arguments as a mapping, not too many.

    An answer without fault stays as it is: some providers want things back that only they know. Arguments with mistakes
    in their JSON are read where their meaning is certain.

    Args:
        message: as it came.
        most_words: characters of its text that are kept.
    """
    calls: list[ToolCall] = [{**call, "type": "tool_call"} for call in message.tool_calls]
    for broken in message.invalid_tool_calls:
        args = arguments_in(broken.get("args"), cut_off=was_cut_off(message))
        calls.append({"name": broken.get("name") or "", "args": args, "id": broken.get("id"), "type": "tool_call"})
    text = _writable(message.text[:most_words])
    clean = [{**call, "args": _sane(call)} for call in calls]
    same = clean == calls and text == message.text
    calls = cast("list[ToolCall]", clean)
    ids = {call["id"] for call in calls}
    sound = len(ids) == len(calls) <= MAX_CALLS and all(ids) and all(call["name"] for call in calls)
    if sound and same and not message.invalid_tool_calls:
        return message
    taken: set[str] = set()
    for call in calls:
        name = call["id"] or ""
        if not name or name in taken:
            name = f"call-{uuid4().hex[:12]}"
        taken.add(name)
        call["id"], call["name"] = name, call["name"] or "nameless"
    kept = {name: value for name, value in message.additional_kwargs.items() if name != "tool_calls"}
    return AIMessage(
        text,
        tool_calls=calls[:MAX_CALLS],
        additional_kwargs=kept,
        id=message.id,
        usage_metadata=message.usage_metadata,
        response_metadata={"finish_reason": ended} if (ended := finish_reason(message)) else {},
    )


def arguments_in(given: Any, *, cut_off: bool = False) -> dict[str, Any]:
    """Return a call's arguments: from an object, or from JSON that was made into a string once or more often.

    Those that can't be read come under ``NOT_JSON``, with the reason.
    """
    try:
        value = unpacked(given, cut_off=cut_off)
        if isinstance(value, dict):
            return value
        why = "they are no object"
    except Uncertain as uncertain:
        why = str(uncertain)
    return {NOT_JSON: f"{str(given)[:400]} ({why})"}


def _sane(call: ToolCall) -> dict[str, Any]:
    """Return the arguments as a checkpoint can hold them, or as not to be used where they are far too long."""
    arguments = {_writable(str(name)): _storable(value) for name, value in call["args"].items()}
    if len(text := json.dumps(arguments, default=str)) > MAX_ARGUMENTS:
        return {NOT_JSON: f"{text[:200]} ... ({len(text)} characters)"}
    return arguments


def _storable(value: Any) -> Any:
    match value:
        case str():
            return _writable(value)
        case dict():
            return {_writable(str(name)): _storable(inner) for name, inner in value.items()}
        case list():
            return [_storable(inner) for inner in value]
        case bool() | None | float():
            return value
        case int() if -(2**63) <= value < 2**64:
            return value
    return str(value)


def _writable(text: str) -> str:
    """Return the text with pairs of surrogates as their characters, and without lone ones, which no file takes.

    Pairs come where a string with JSON's escapes was read as one of Python's.
    """
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\ufffd", "?")
