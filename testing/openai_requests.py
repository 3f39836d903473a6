"""Requests to the OpenAI API, and what is in its answers."""

import base64
import io
from typing import Any

from PIL import Image

MODEL = "imagerag"


def user(text: str, *components: dict[str, Any]) -> Any:
    return {"role": "user", "content": [{"type": "text", "text": text}, *components] if components else text}


def square(colour: str = "red") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(buffer, "PNG")
    return buffer.getvalue()


def data_url(data: bytes) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": "data:image/png;base64," + base64.b64encode(data).decode()}}


def addresses(text: str) -> list[str]:
    return [part.partition(")")[0] for part in text.split("](")[1:]]
