"""The driver's answer as calls, wherever its server has left them, or why it is neither calls nor a sound end."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from langchain_core.messages import AIMessage, ToolCall

from imagerag.chat_models.answer_cleaning import NOT_JSON, arguments_in, tidy
from imagerag.chat_models.client import Reading
from imagerag.chat_models.endings import CALLED, finish_reason, unsound_ending, was_cut_off
from imagerag.chat_models.lenient_json import Uncertain, unpacked
from imagerag.chat_models.reasoning import THOUGHT, THOUGHTS, without_reasoning
from imagerag.chat_models.tool_call_markup import known_name
from imagerag.chat_models.tool_call_parser import (
    broken_call,
    calls_at_the_end,
    may_hold_calls,
    read_calls,
    text_parameters,
)
from imagerag.chat_models.usage_meter import current_meter

THOUGHT_KEYS = (THOUGHTS, "reasoning_content")
"""Keys of a message's additional data under which thoughts come: ours, and that of integrations."""

MOST_TOLD = 200
"""Characters of what a model wrote that are repeated in a reason."""


class AnswerReader:
    """Reads answers to which certain tools were offered.

    Args:
        schemas: of the tools, in OpenAI's form.
    """

    def __init__(self, schemas: Sequence[dict[str, Any]]) -> None:
        self._known = text_parameters(schemas)
        self._properties: dict[str, Mapping[str, Any]] = {
            schema["function"]["name"]: schema["function"].get("parameters", {}).get("properties", {})
            for schema in schemas
        }

    def read(self, message: AIMessage) -> Reading:
        """Return the answer, tidied, with calls that stand in its text, or at the end of its thoughts, as calls.

        Arguments that are JSON in a string where the tool wants a list or an object are made into that. That a call was
        read out of thoughts is noted on the current meter.
        """
        own = [*message.tool_calls, *message.invalid_tool_calls]
        found = message if own else self._found(message)
        answer = tidy(found)
        self._note_what_is_not_run(message, found, answer)
        calls = [self._mended(call) for call in answer.tool_calls]
        kept = {name: value for name, value in answer.additional_kwargs.items() if name != THOUGHTS}
        if calls != answer.tool_calls or kept != answer.additional_kwargs:
            answer = answer.model_copy(update={"tool_calls": calls, "additional_kwargs": kept})
        return Reading(answer, None if calls else self._unsound(message))

    def _note_what_is_not_run(self, message: AIMessage, found: AIMessage, answer: AIMessage) -> None:
        """Note calls beyond those that one answer may have, and those in the text of an answer that has its own."""
        called = len(found.tool_calls) + len(found.invalid_tool_calls)
        if called > len(answer.tool_calls):
            current_meter().notes.append(f"of {called} tool calls the first {len(answer.tool_calls)} are run")
        text = str(message.text)
        if found is not message or not may_hold_calls(text, self._known):
            return
        run = [(call["name"], call["args"]) for call in answer.tool_calls]
        for call in read_calls(text, self._known).calls if run else ():
            if (call["name"], call["args"]) not in run:
                shown = f"{call['name']}({json.dumps(call['args'], ensure_ascii=False)})"[:MOST_TOLD]
                current_meter().notes.append(f"a call in the text beside the answer's own calls is not run: {shown}")

    def _unsound(self, message: AIMessage) -> str | None:
        """Return why an answer without calls can't be the model's last word; ``None`` where it can."""
        if why := unsound_ending(message):
            return why
        text = str(message.text)
        if why := broken_call(text, self._known, cut_off=was_cut_off(message)):
            return f"its tool call can't be read: {why}"
        if (reason := finish_reason(message)) in CALLED:
            return f"its server says that it calls a tool, and no call is there (finish_reason {reason!r})"
        if without_reasoning(text).strip():
            return None
        if refusal := message.additional_kwargs.get("refusal"):
            return f"it is a refusal: {str(refusal)[:MOST_TOLD]!r}"
        thoughts = self._thoughts(message) or text
        if not thoughts.strip():
            return "it is empty" + (f" (finish_reason {reason!r})" if reason not in ("", "stop") else "")
        called = (
            broken_call(THOUGHT.sub("", thoughts), self._known)
            or read_calls(THOUGHT.sub("", thoughts), self._known).calls
        )
        return "it has nothing but thoughts" + (", and a tool call among them" if called else "")

    def _found(self, message: AIMessage) -> AIMessage:
        """Return the answer with the calls that are no calls of its own."""
        older = message.additional_kwargs.get("function_call")
        if isinstance(older, dict) and older.get("name"):  # OpenAI's protocol of 2023
            call = _call(str(older["name"]), arguments_in(older.get("arguments"), cut_off=was_cut_off(message)))
            return _with_calls(message, str(message.text), [call])
        text = str(message.text)
        if may_hold_calls(text, self._known):
            cut_off = was_cut_off(message)
            reading = read_calls(text, self._known, cut_off=cut_off)
            if reading.calls:
                calls = list(reading.calls)
                if why := broken_call(reading.text, self._known, cut_off=cut_off, beside_calls=True):
                    # the tools refuse it, so that the model is told, and the person, too
                    name = next((name for name in self._known if name in reading.text), "")
                    calls.append(_call(name, {NOT_JSON: f"{reading.text[:MOST_TOLD]} ({why})"}))
                return _with_calls(message, reading.text, calls)
        if without_reasoning(text).strip() or unsound_ending(message):
            return message
        calls = calls_at_the_end(THOUGHT.sub("", self._thoughts(message)), self._known)
        if calls:
            current_meter().notes.append("the call stood at the end of the model's reasoning, and was taken from there")
            return _with_calls(message, text, calls)
        return message

    def _thoughts(self, message: AIMessage) -> str:
        return next((str(told) for key in THOUGHT_KEYS if (told := message.additional_kwargs.get(key))), "")

    def _mended(self, call: ToolCall) -> ToolCall:
        name = known_name(call["name"], self._known)
        properties = self._properties.get(name, {})
        args = {key: _unpacked(value, properties.get(key)) for key, value in call["args"].items()}
        return {**call, "name": name, "args": args}


def _unpacked(value: Any, schema: Any) -> Any:
    """Return an argument that is JSON in a string as the list or the object that the tool wants."""
    if not isinstance(value, str) or not isinstance(schema, dict):
        return value
    wanted = {each.get("type") for each in (schema, *schema.get("anyOf", ()))}
    if "string" in wanted or not wanted & {"array", "object"}:
        return value
    try:
        made = unpacked(value)
    except Uncertain:
        return value
    return made if isinstance(made, list if "array" in wanted else dict) else value


def _call(name: str, args: dict[str, Any]) -> ToolCall:
    return {"name": name, "args": args, "id": f"call-{uuid4().hex[:12]}", "type": "tool_call"}


def _with_calls(message: AIMessage, text: str, calls: Sequence[ToolCall]) -> AIMessage:
    kept = {name: value for name, value in message.additional_kwargs.items() if name != "function_call"}
    return message.model_copy(update={"content": text, "tool_calls": list(calls), "additional_kwargs": kept})
