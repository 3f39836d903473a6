"""Conversations for models that take neither tools nor their results: everything is said, in turns of two."""

import json
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from imagerag.prompts import render


def as_plain_turns(messages: Sequence[BaseMessage], tools: Sequence[dict[str, Any]]) -> list[BaseMessage]:
    """Return a conversation in turns of person and model alone, the person's first, with tools, calls, results as text.

    Calls are written as ``tool_call_parser.read_calls`` reads them. System turns become the person's, since many
    templates refuse them. Images stay where they were, among the words.

    Args:
        messages: the conversation.
        tools: those on offer, in OpenAI's form.
    """
    turns: list[tuple[type[BaseMessage], list[Any]]] = []

    def say(who: type[BaseMessage], blocks: list[Any]) -> None:
        if turns and turns[-1][0] is who:
            turns[-1][1].extend(blocks)
        elif blocks:
            turns.append((who, blocks))

    if tools:
        say(HumanMessage, [_text(render("tools.j2", tools=[tool["function"] for tool in tools]))])
    for message in messages:
        blocks = [_text(message.content)] if isinstance(message.content, str) else list(message.content)
        if isinstance(message, ToolMessage):
            blocks = [_text(render("result.j2", name=message.name, images=False)), *blocks]
        if isinstance(message, AIMessage):
            say(AIMessage, [*blocks, *map(_written, message.tool_calls)])
        else:
            say(HumanMessage, blocks)
    return [who(_as_string(blocks) if all(map(_is_text, blocks)) else blocks) for who, blocks in turns]


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _written(call: Any) -> dict[str, Any]:
    return _text(f"<tool_call>{json.dumps({'name': call['name'], 'arguments': call['args']})}</tool_call>")


def _is_text(block: Any) -> bool:
    return isinstance(block, str) or block.get("type") == "text"


def _as_string(blocks: Sequence[Any]) -> str:
    texts = (block if isinstance(block, str) else str(block["text"]) for block in blocks)
    return "\n".join(text for text in texts if text)
