"""How many tokens a question takes, estimated on the safe side before it is put."""

import json
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import BaseMessage

from imagerag.chat_models.images import ImageLimit, limit_by_name, size_of

BYTES_PER_TOKEN = 3
"""Bytes of UTF-8 per token, on the safe side: tokenizers make about 4 of English and 3.5 of JSON."""


def estimate(messages: Sequence[BaseMessage], shapes: str = "", limit: ImageLimit | None = None) -> int:
    """Return how many tokens a question takes, rather too many: words by bytes, images by their size.

    Args:
        messages: the question.
        shapes: JSON of the tools or the schema that go with it.
        limit: of the model that is asked; tells how it counts images.
    """
    limit = limit or limit_by_name("")
    tokens = len(shapes.encode("utf-8", "replace")) // BYTES_PER_TOKEN
    for message in messages:
        tokens += 8
        for call in getattr(message, "tool_calls", ()):
            tokens += len(json.dumps(call["args"], default=str).encode("utf-8", "replace")) // BYTES_PER_TOKEN + 20
        blocks: list[Any] = [message.content] if isinstance(message.content, str) else list(message.content)
        tokens += sum(_block(block, limit) for block in blocks)
    return tokens


def _block(block: Any, limit: ImageLimit) -> int:
    if (size := size_of(block)) is not None:
        return limit.tokens(*size)
    text = block if isinstance(block, str) else str(block.get("text", block))
    return len(text.encode("utf-8", "replace")) // BYTES_PER_TOKEN + 1
