"""Conversations as chat templates take them: in turns, with images beside."""

import base64
import hashlib
import io
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from imagerag.chat_models.plain_text import as_plain_turns
from imagerag.prompts import render

ENDINGS = ("<|im_end|>", "<|eot_id|>", "<end_of_turn>", "<turn|>", "<end_of_utterance>")
"""By which chat templates in use end a turn."""


def rendered(
    processor: Any, messages: Sequence[BaseMessage], tools: list[dict[str, Any]], takes_images: bool
) -> tuple[str, list[Any]]:
    """Return a conversation as the checkpoint's template words it, and its images.

    Many templates leave tools out without a word, or refuse system turns, tool results, or two turns of one role:
    those get a conversation in which everything is said in plain, alternating turns.
    """
    from jinja2 import TemplateError

    def worded(turns: list[dict[str, Any]], tools: list[dict[str, Any]] | None) -> str:
        return str(processor.apply_chat_template(turns, tools=tools, add_generation_prompt=True, tokenize=False))

    turns, images = template_turns(list(messages), takes_images)
    try:
        text = worded(turns, tools or None)
        if not tools or text != worded(turns, None):
            return text, images
    except TemplateError:
        pass  # it says what it doesn't take; the plain turns below need none of that
    turns, images = template_turns(as_plain_turns(messages, tools), takes_images)
    return worded(turns, None), images


def tensors(processor: Any, texts: list[str], images: list[list[Any]], takes_images: bool) -> Any:
    """Return conversations that a template has worded as tensors, with the images of each.

    Several are padded on the left, so that all end where their answers begin.
    """
    padded: dict[str, Any] = {"padding": True, "padding_side": "left"} if len(texts) > 1 else {}
    if not takes_images:
        return processor(texts, return_tensors="pt", add_special_tokens=False, **padded)
    # As transformers itself does it: what the template has begun, the tokenizer begins no second time.
    begins = processor.tokenizer.bos_token
    begun = {"add_special_tokens": False} if begins and texts[0].startswith(begins) else {}
    given: Any = images if len(texts) > 1 else images[0]
    return processor(text=texts, images=given if any(images) else None, return_tensors="pt", **begun, **padded)


def template_turns(messages: list[BaseMessage], takes_images: bool) -> tuple[list[dict[str, Any]], list[Any]]:
    """Return the conversation as chat templates take it, and its images in order.

    Templates take images in the person's turns alone, so those of a tool's result follow it in one.

    Raises:
        ValueError: an image is named by address; nothing here fetches any.
    """
    turns: list[dict[str, Any]] = []
    images: list[Any] = []
    for message in messages:
        # LangChain's own reading: OpenAI's and Anthropic's images are image blocks there like any other.
        blocks: list[Any] = [*message.content_blocks]
        text = "\n".join(block["text"] for block in blocks if block["type"] == "text").strip()
        seen = [_picture(block) for block in blocks if block["type"] == "image"] if takes_images else []
        if isinstance(message, SystemMessage):
            turns.append({"role": "system", "content": [_said(text)] if takes_images else text})
        elif isinstance(message, ToolMessage):
            turns.append(
                {
                    "role": "tool",
                    "name": message.name or "",
                    "tool_call_id": _nine(message.tool_call_id),
                    "content": [_said(text)] if takes_images else text,
                }
            )
            if seen:
                of_it = render("result.j2", name=message.name, images=True)
                turns.append({"role": "user", "content": [_said(of_it), *({"type": "image"} for _ in seen)]})
        elif isinstance(message, AIMessage):
            calls = [
                {
                    "type": "function",
                    "id": _nine(call["id"]),
                    "function": {"name": call["name"], "arguments": call["args"]},
                }
                for call in message.tool_calls
            ]
            turn: dict[str, Any] = {"role": "assistant", "content": [_said(text)] if takes_images else text}
            turns.append({**turn, "tool_calls": calls} if calls else turn)
        elif isinstance(message, HumanMessage):
            turns.append({"role": "user", "content": _in_order(blocks) if takes_images else text})
        images += seen
    return turns, images


def _said(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def _in_order(blocks: list[Any]) -> list[dict[str, str]]:
    """Return the words of a message, and where its images stand among them."""
    content: list[dict[str, str]] = []
    for block in blocks:
        if block["type"] == "image":
            content.append({"type": "image"})
        elif block["type"] == "text" and content and content[-1]["type"] == "text":
            content[-1]["text"] += f"\n{block['text']}"
        elif block["type"] == "text":
            content.append(_said(block["text"]))
    return content


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


def without_marks(text: str, tokenizer: Any) -> str:
    """Return text without the tokens that only end it; those around tool calls stay, to be read."""
    for mark in (tokenizer.eos_token, tokenizer.pad_token, tokenizer.bos_token, *ENDINGS):
        if mark:
            text = text.replace(mark, "")
    return text
