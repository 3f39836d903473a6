"""Images as models take them: scaled down, in a content block."""

import base64
from typing import Any

from PIL import Image

from imagerag.store.png import encode_png

MAX_SIDE = 768
"""Pixels on the longer side of an image sent to a model: within what every current provider takes without scaling."""


def image_block(image: Image.Image, max_side: int = MAX_SIDE) -> dict[str, Any]:
    """Return LangChain's standard image block: PNG, at most ``max_side`` pixels on the longer side."""
    small = image.convert("RGB")
    small.thumbnail((max_side, max_side))
    return {"type": "image", "base64": base64.b64encode(encode_png(small)).decode(), "mime_type": "image/png"}
