"""The parts of a person's message in one form, whichever maker's they are in: words, pictures, and what is neither."""

from collections.abc import Mapping
from typing import Any

from langchain_core.messages import AnyMessage, BaseMessage

from imagerag.store.data_urls import picture_of_base64

PICTURE_FIELDS = ("image_url", "image", "data", "inlineData", "inline_data", "url", "source")
"""Fields in which makers put a picture or its address; some put an object there, with one of these in it."""

DEEPEST = 3
"""Objects within objects that are looked into for a picture."""

READ = frozenset({"text", "image", "reasoning"})
"""Types of parts that are read, or that carry nothing for a drawing."""


def readable_parts(message: AnyMessage | BaseMessage) -> list[dict[str, Any]]:
    """Return the parts of a message as LangChain's content blocks.

    Pictures that LangChain leaves as they came are image blocks, too: an ``image_url`` that is a string, those of
    OpenAI's Responses, Google's inline data, MCP's, and files that are pictures. One without picture and address is
    an image block without them, which ``stored_picture`` refuses.
    """
    return [_readable(dict(block)) for block in message.content_blocks]


def unread_parts(message: AnyMessage | BaseMessage) -> list[str]:
    """Return the types of the parts that are neither words nor pictures, in order."""
    types = [_type(_own(part)) for part in readable_parts(message) if part["type"] not in READ]
    return list(dict.fromkeys(types))


def _own(block: dict[str, Any]) -> dict[str, Any]:
    """Return a part as its sender wrote it."""
    value = block.get("value")
    return dict(value) if block["type"] == "non_standard" and isinstance(value, Mapping) else block


def _readable(block: dict[str, Any]) -> dict[str, Any]:
    part = _own(block)
    if part.get("type") == "input_text" and isinstance(part.get("text"), str):
        return {"type": "text", "text": part["text"]}
    if not _is_picture(part) or part.get("base64"):
        return {**part, "type": "image"} if part.get("base64") and _is_picture(part) else block
    if part.get("file_id") or (block["type"] == "image" and part.get("url")):
        return {**part, "type": "image"}
    found = _found(part, DEEPEST)
    return {"type": "image", **({"url": found} if found else {})}


def _is_picture(part: Mapping[str, Any]) -> bool:
    if part.get("type") in ("image", "image_url", "input_image"):
        return True
    inline = part.get("inlineData") or part.get("inline_data")
    holder = inline if isinstance(inline, Mapping) else part
    kind = str(holder.get("mime_type") or holder.get("mimeType") or "")
    if kind.startswith("image/"):
        return True
    # LangChain calls a file of OpenAI's form a PDF, whatever it is
    return part.get("type") == "file" and picture_of_base64(str(part.get("base64") or "")) is not None


def _found(part: Any, depth: int) -> str:
    """Return the picture in base64, or its address; nothing where there is neither."""
    if isinstance(part, str):
        return part
    if not isinstance(part, Mapping) or not depth:
        return ""
    return next((found for name in PICTURE_FIELDS if (found := _found(part.get(name), depth - 1))), "")


def _type(part: Mapping[str, Any]) -> str:
    return str(part.get("type") or next(iter(part), ""))[:40]
