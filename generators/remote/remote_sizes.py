"""What images APIs are asked for where a size or an aspect ratio is wanted: what each draws at nearest to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imagerag.generators.sizing import Canvas, Grid, nearest_canvas
from imagerag.picture_size import PictureSize

SIDE = 1024
"""Pixels of the side of the square image that is drawn where no size is asked for."""

SIDES = Grid(step=32, sides=(256, 1440), pixels=(3 * 2**18, 2**20))
"""What the APIs of FLUX draw at, 0.75 to 1 megapixel, which is charged as one (docs.bfl.ai's OpenAPI document:
multiples of 32 from 256 to 1440 for FLUX.1, of 16 for FLUX.2)."""

RATIOS = ("1:1", "16:9", "9:16", "3:2", "2:3", "4:3", "3:4", "5:4", "4:5", "21:9")
"""Of Gemini (ai.google.dev/gemini-api/docs/image-generation), and of models at fal and Replicate whose field is called
``aspect_ratio``."""


def canvas(wanted: PictureSize | None) -> Canvas:
    """Return width and height in pixels to ask for where an API takes them."""
    return (SIDE, SIDE) if wanted is None else nearest_canvas(wanted, SIDES.canvases(), (SIDE, SIDE))


def ratio(wanted: PictureSize | None, ratios: tuple[str, ...] = RATIOS) -> str:
    """Return the ratio to ask for, as ``width:height``, where an API takes one of a few; square if none is wanted."""
    if wanted is None:
        return "1:1"
    return min(ratios, key=lambda each: abs(_value(each) / wanted.ratio - wanted.ratio / _value(each)))


def _value(text: str) -> float:
    width, height = text.split(":")
    return int(width) / int(height)


def sized_inputs(inputs: Mapping[str, str], wanted: PictureSize | None) -> dict[str, Any]:
    """Return the fields of a model, those for its size as they are wanted.

    Args:
        inputs: of ``imagerag/remote_models.toml``, which ask for a square image.
        wanted: the size or ratio; ``None`` leaves them.
    """
    sized: dict[str, Any] = dict(inputs)
    if wanted is None:
        return sized
    if "aspect_ratio" in sized:
        sized["aspect_ratio"] = ratio(wanted)
    if "image_size" in sized:  # fal takes a name or both sides
        width, height = canvas(wanted)
        sized["image_size"] = {"width": width, "height": height}
    return sized
