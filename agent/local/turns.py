"""Conversations as chat templates take them: in turns, with images beside, or, for those that take little, as words."""

import base64
import hashlib
import io
import json
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage


def turns_of(messages: list[BaseMessage], takes_images: bool) -> tuple[list[dict[str, Any]], list[Any]]:
    """Return the conversation as chat templates take it, and its images in order.

    Templates take images in the person's turns alone, so those of a tool's result follow it in one.
    """
    turns: list[dict[str, Any]] = []
    images: list[Any] = []
    for message in messages:
        # LangChain's own reading: OpenAI's and Anthropic's images are image blocks there like any other.
        blocks: list[Any] = [*message.content_blocks]
        text = "\n".join(block["text"] for block in blocks if block["type"] == "text").strip()
        seen = [_picture(block) for block in blocks if block["type"] == "image"] if takes_images else []
        if isinstance(message, SystemMessage):
            turns.append({"role": "system", "content": _content(text, 0, takes_images)})
        elif isinstance(message, ToolMessage):
            turns.append(
                {
                    "role": "tool",
                    "name": message.name or "",
                    "tool_call_id": _nine(message.tool_call_id),
                    "content": _content(text, 0, takes_images),
                }
            )
            if seen:
                turns.append({"role": "user", "content": _content("The images of that result.", len(seen), True)})
        elif isinstance(message, AIMessage):
            calls = [
                {
                    "type": "function",
                    "id": _nine(call["id"]),
                    "function": {"name": call["name"], "arguments": call["args"]},
                }
                for call in message.tool_calls
            ]
            turn: dict[str, Any] = {"role": "assistant", "content": _content(text, 0, takes_images)}
            turns.append({**turn, "tool_calls": calls} if calls else turn)
        elif isinstance(message, HumanMessage):
            turns.append({"role": "user", "content": _content(text, len(seen), takes_images)})
        images += seen
    return turns, images


def plainly(turns: list[dict[str, Any]], tools: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a conversation in turns of user and assistant alone, in turn, with tools, calls and results as text."""
    said: list[tuple[str, list[dict[str, Any]]]] = []
    if tools:
        offered = "\n".join(json.dumps(tool["function"]) for tool in tools)
        text = (
            f"You can call these tools:\n{offered}\nTo call one, answer with nothing but "
            '<tool_call>{"name": NAME, "arguments": {...}}</tool_call>'
        )
        said.append(("user", [{"type": "text", "text": text}]))
    for turn in turns:
        content = turn["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else list(content)
        if turn["role"] == "tool":
            blocks = [{"type": "text", "text": f"Result of {turn['name']}:"}, *blocks]
        for call in turn.get("tool_calls", ()):
            blocks.append({"type": "text", "text": f"<tool_call>{json.dumps(call['function'])}</tool_call>"})
        role = "assistant" if turn["role"] == "assistant" else "user"
        if said and said[-1][0] == role:
            said[-1][1].extend(blocks)
        else:
            said.append((role, blocks))
    whole = all(isinstance(turn["content"], str) for turn in turns)
    return [
        {"role": role, "content": "\n".join(block["text"] for block in blocks if block["text"]) if whole else blocks}
        for role, blocks in said
    ]


def _content(text: str, images: int, in_blocks: bool) -> Any:
    if not in_blocks:
        return text
    return [*({"type": "image"} for _ in range(images)), {"type": "text", "text": text}]


def _nine(call_id: str | None) -> str:
    """Return an id as Mistral's templates want them, which refuse all but nine letters and digits."""
    return hashlib.sha256((call_id or "").encode("utf-8", "replace")).hexdigest()[:9]


def _picture(block: dict[str, Any]) -> Any:
    """Open an image block.

    Raises:
        ValueError: it names the image by address; nothing here fetches any.
    """
    from PIL import Image

    if not block.get("base64"):
        raise ValueError(f"a local model takes images as Base64, not by address: {str(block.get('url'))[:80]!r}")
    return Image.open(io.BytesIO(base64.b64decode(block["base64"]))).convert("RGB")
