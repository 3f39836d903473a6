"""From the size that is asked for to the size that a model draws at, and from the drawing to what was asked for."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from imagerag.generators.masking import kept_outside, sized_as_image
from imagerag.picture_size import PictureSize

if TYPE_CHECKING:
    from PIL import Image

    from imagerag.generators.base import DrawControl, Drawing, DrawRequest, Generator

Canvas = tuple[int, int]
"""Width and height in pixels."""

CROPPING = 40.0
"""How much worse a canvas of another ratio is than one of another area, both as logarithms: 1 % to be cut off weighs
as much as half more or less to be scaled."""

UNSEEN = 0.01
"""Share of a side below which nothing is cropped: the picture is stretched by so little instead, which nobody sees."""

SDXL_CANVASES: tuple[Canvas, ...] = (
    (2048, 512), (1984, 512), (1920, 512), (1856, 512), (1792, 576), (1728, 576), (1664, 576), (1600, 640),
    (1536, 640), (1472, 704), (1408, 704), (1344, 704), (1344, 768), (1280, 768), (1216, 832), (1152, 832),
    (1152, 896), (1088, 896), (1088, 960), (1024, 960), (1024, 1024), (960, 1024), (960, 1088), (896, 1088),
    (896, 1152), (832, 1152), (832, 1216), (768, 1280), (768, 1344), (704, 1344), (704, 1408), (704, 1472),
    (640, 1536), (640, 1600), (576, 1664), (576, 1728), (576, 1792), (512, 1856), (512, 1920), (512, 1984),
    (512, 2048),
)  # fmt: skip
"""What SDXL was trained on (Podell et al. 2023, arXiv 2307.01952, appendix I)."""


@dataclass(frozen=True)
class Grid:
    """Canvases of a model that draws at any size within bounds.

    Attributes:
        step: pixels that each side is a multiple of.
        sides: least and most pixels of a side.
        pixels: least and most pixels of the whole.
    """

    step: int
    sides: tuple[int, int]
    pixels: tuple[int, int]

    def canvases(self) -> tuple[Canvas, ...]:
        """Return all of them."""
        return _canvases(self)


@lru_cache(maxsize=16)
def _canvases(grid: Grid) -> tuple[Canvas, ...]:
    low, high = (math.ceil(grid.sides[0] / grid.step), grid.sides[1] // grid.step)
    sides = [grid.step * k for k in range(low, high + 1)]
    least, most = grid.pixels
    return tuple((width, height) for width in sides for height in sides if least <= width * height <= most)


def nearest_canvas(wanted: PictureSize, canvases: Iterable[Canvas], usual: Canvas) -> Canvas:
    """Return the canvas whose drawing has to be cropped and scaled least.

    Args:
        wanted: the size, or the ratio.
        canvases: those the model draws well at; ``usual`` is one of them, whether or not it is among these.
        usual: its own size, whose area is kept where only a ratio is asked for.
    """
    area = wanted.width * wanted.height if wanted.is_exact else usual[0] * usual[1]

    def distance(canvas: Canvas) -> float:
        width, height = canvas
        return CROPPING * abs(math.log(width / height / wanted.ratio)) + abs(math.log(width * height / area))

    return min((usual, *canvases), key=distance)


def draw_sized(generator: Generator, request: DrawRequest, control: DrawControl) -> list[Drawing]:
    """Draw, and scale what is drawn to the size that is asked for; raises what ``Generator.draw`` does.

    What a generator draws at another ratio is cropped at the middle, with a note of that. A part of an image is drawn
    at the image's size, and what lies outside of the mask is kept to the last bit.
    """
    if request.redraw is not None:
        drawn = generator.draw(sized_as_image(request), control)
        return [kept_outside(drawing, request.redraw) for drawing in drawn]
    drawings = generator.draw(request, control)
    return drawings if request.size is None else [sized(drawing, request.size) for drawing in drawings]


def sized(drawing: Drawing, wanted: PictureSize) -> Drawing:
    """Return a drawing in that size, with ``facts["drawn_at"]``, its own size; with a note where it was cropped."""
    from PIL.Image import Resampling

    image: Image.Image = drawing.image
    own = image.size
    kept = cropped_size(own, wanted)
    if kept != own:
        left, top = (own[0] - kept[0]) // 2, (own[1] - kept[1]) // 2
        image = image.crop((left, top, left + kept[0], top + kept[1]))
    if wanted.is_exact and image.size != (wanted.width, wanted.height):
        image = image.resize((wanted.width, wanted.height), Resampling.LANCZOS)
    if image is drawing.image:
        return drawing
    facts = {**drawing.facts, "drawn_at": list(own)}
    if kept != own:
        told = drawing.facts.get("notes")
        note = f"drawn at {own[0]}x{own[1]} and cropped to {kept[0]}x{kept[1]}, since {wanted} is asked for"
        facts["notes"] = [*(told if isinstance(told, list) else []), note]
    return replace(drawing, image=image, facts=facts)


def cropped_size(own: Canvas, wanted: PictureSize) -> Canvas:
    """Return the largest size of that ratio within a canvas, in whole pixels; all of it where ``UNSEEN`` is cut off."""
    width, height = own
    share = width / height / wanted.ratio
    if share > 1 + UNSEEN:
        return max(round(height * wanted.ratio), 1), height
    return (width, max(round(width / wanted.ratio), 1)) if share < 1 - UNSEEN else own
