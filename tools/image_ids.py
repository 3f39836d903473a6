"""Which images a message is about: kept beside its text, since no provider takes a block that only names an image."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

IMAGES = "images"
"""Key in the ``additional_kwargs`` of a run's answer under which its images stand, each with ``id`` and ``sha256``."""


class Named(NamedTuple):
    """An image as a message names it: ids count up in a thread, so another thread's may be the same."""

    id: str
    sha256: str | None
    """``None`` where the message doesn't say."""


def images_named(message: BaseMessage) -> list[Named]:
    """Return the images and references that a tool's result or a run's answer is about, in order.

    Those of a tool's result come from its artifact (``images``, ``references`` or ``image_id``), those of an answer
    from its ``additional_kwargs``, and those of messages of earlier versions from blocks that only name an image.
    """
    named = [Named(str(block["id"]), None) for block in _naming_blocks(message)]
    if isinstance(message, ToolMessage) and isinstance(message.artifact, Mapping):
        named += [*_records(message.artifact.get("images")), *_records(message.artifact.get("references"))]
        if isinstance(message.artifact.get("image_id"), str):
            named.append(Named(message.artifact["image_id"], None))
    if isinstance(message, AIMessage):
        named += _records(message.additional_kwargs.get(IMAGES))
    return list({one.id: one for one in named}.values())


def without_naming_blocks(message: BaseMessage) -> BaseMessage:
    """Return a message of an earlier version as one that any provider takes: in words, its images beside them."""
    if not _naming_blocks(message):
        return message
    blocks = [block if isinstance(block, str) else str(block.get("text", "")) for block in message.content]
    update: dict[str, Any] = {"content": "\n".join(text for text in blocks if text)}
    if isinstance(message, AIMessage):
        named = [{"id": one.id} for one in images_named(message)]
        update["additional_kwargs"] = {**message.additional_kwargs, IMAGES: named}
    return message.model_copy(update=update)


def _records(records: Any) -> Iterator[Named]:
    for one in records if isinstance(records, list) else ():
        if isinstance(one, Mapping) and isinstance(one.get("id"), str):
            yield Named(one["id"], one.get("sha256"))


def _naming_blocks(message: BaseMessage) -> list[dict[str, Any]]:
    content = message.content if isinstance(message.content, list) else []
    return [block for block in content if isinstance(block, dict) and block.get("type") == "image" and "id" in block]
