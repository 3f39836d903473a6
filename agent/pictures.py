"""Images as models take them: scaled down, in a content block."""

import base64
import struct
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import BaseMessage
from PIL import Image

from imagerag.store.png import encode_png

MAX_SIDE = 768
"""Pixels on the longer side of an image sent to a model: within what every current provider takes without scaling."""

_HEAD = 32
"""Characters of Base64 that hold a PNG's signature and the size that follows it (PNG specification, 11.2.2)."""


def image_block(image: Image.Image, max_side: int = MAX_SIDE) -> dict[str, Any]:
    """Return LangChain's standard image block: PNG, at most ``max_side`` pixels on the longer side."""
    small = image.convert("RGB")
    small.thumbnail((max_side, max_side))
    return {"type": "image", "base64": base64.b64encode(encode_png(small)).decode(), "mime_type": "image/png"}


def sizes_sent(messages: Sequence[BaseMessage]) -> list[str]:
    """Return width x height in pixels of every image that ``image_block`` put into the messages."""
    blocks = [block for message in messages if isinstance(message.content, list) for block in message.content]
    heads = [
        base64.b64decode(block["base64"][:_HEAD])
        for block in blocks
        if isinstance(block, dict) and block.get("mime_type") == "image/png" and "base64" in block
    ]
    return ["{}x{}".format(*struct.unpack(">II", head[16:24])) for head in heads]
