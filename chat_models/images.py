"""Images as models take them: scaled down to what the model can use, in a content block."""

from __future__ import annotations

import base64
import math
import re
import struct
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from imagerag.store.png import encode_png

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import BaseMessage

TAG = "imagerag_model"
"""Key in a chat model's metadata under which its name stands."""

_DATA = "data:image/png;base64,"
_HEAD = 32
"""Characters of Base64 that hold a PNG's signature and the size that follows it (PNG specification, 11.2.2)."""


@dataclass(frozen=True)
class ImageLimit:
    """How large a model takes images, and what they cost it.

    Attributes:
        long, short: pixels of the longer and the shorter side at most; ``None`` for any.
        pixels: of the whole image at most; ``None`` for any.
        base, tile, each: an image has ``base`` tokens and ``each`` for every begun square of ``tile`` pixels.
    """

    long: int | None = None
    short: int | None = None
    pixels: int | None = None
    base: float = 0
    tile: int = 1
    each: float = 0

    def fit(self, width: int, height: int) -> tuple[int, int]:
        """Return the size in pixels to which an image of that size is scaled down; never up."""
        scale = min(
            1.0,
            (self.long or math.inf) / max(width, height),
            (self.short or math.inf) / min(width, height),
            math.sqrt((self.pixels or math.inf) / (width * height)),
        )
        return max(int(width * scale + 1e-6), 1), max(int(height * scale + 1e-6), 1)

    def tokens(self, width: int, height: int) -> int:
        """Return how many tokens an image of that size has, rather too many."""
        squares = math.ceil(width / self.tile) * math.ceil(height / self.tile)
        return math.ceil(self.base + self.each * squares)


def limit_of(model: BaseChatModel, longest: int | None = None) -> ImageLimit:
    """Return how large a model takes images: as it says itself, or else as ``images.toml`` says of its name.

    Args:
        model: any chat model.
        longest: pixels of the longer side, where the person wants it that way.
    """
    own = getattr(model, "image_limit", None)
    limit = own if isinstance(own, ImageLimit) else limit_by_name(str((model.metadata or {}).get(TAG, "")))
    return limit if longest is None else replace(limit, long=longest, short=None, pixels=None)


@lru_cache(maxsize=16)
def limit_by_name(name: str) -> ImageLimit:
    """Return how large the model of that name takes images."""
    known = tomllib.loads((Path(__file__).parent / "images.toml").read_text(encoding="utf-8"))["model"]
    found = next(entry for entry in known if re.search(entry["match"], name.lower()))
    return ImageLimit(**{key: value for key, value in found.items() if key not in ("match", "source")})


def image_block(image: Image.Image, limit: ImageLimit) -> dict[str, Any]:
    """Return an image block: PNG, no larger than the model takes.

    In OpenAI's form, which every integration of LangChain's takes; not all take its own.
    """
    small = image.convert("RGB")
    if (size := limit.fit(*small.size)) != small.size:
        small = small.resize(size, Image.Resampling.LANCZOS)
    return {"type": "image_url", "image_url": {"url": _DATA + base64.b64encode(encode_png(small)).decode()}}


def encoded_in(block: Any) -> str | None:
    """Return the Base64 of the PNG in a block that ``image_block`` made; ``None`` for anything else."""
    if not isinstance(block, dict) or block.get("type") != "image_url":
        return None
    url = block["image_url"].get("url", "") if isinstance(block.get("image_url"), dict) else ""
    return url[len(_DATA) :] if isinstance(url, str) and url.startswith(_DATA) else None


def size_of(block: Any) -> tuple[int, int] | None:
    """Return width and height in pixels of an image that ``image_block`` made; ``None`` for anything else."""
    if (encoded := encoded_in(block)) is None:
        return None
    width, height = struct.unpack(">II", base64.b64decode(encoded[:_HEAD])[16:24])
    return width, height


def sizes_sent(messages: Sequence[BaseMessage]) -> list[str]:
    """Return width x height in pixels of every image that ``image_block`` put into the messages."""
    blocks = [block for message in messages if isinstance(message.content, list) for block in message.content]
    return ["{}x{}".format(*size) for block in blocks if (size := size_of(block))]
