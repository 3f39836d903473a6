"""Drawing a part of an image anew: what a mask marks, and that nothing changes outside of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from imagerag.errors import UserError
from imagerag.picture_size import PictureSize

if TYPE_CHECKING:
    from PIL import Image

    from imagerag.generators.base import Drawing, DrawRequest, Redraw

MARKED = 128
"""Grey value, 0..255, from which on a pixel of a mask is white; alpha below it is transparent."""

OTHER_SHAPE = 0.02
"""Share by which the ratio of a mask's sides may differ from that of its image; it is scaled then."""


def read_mask(mask: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return a mask of that size, mode ``L``: 255 where is drawn anew, 0 where the image stays.

    One with transparent pixels marks those, as OpenAI's API has it; any other marks what is white, as diffusers has it.

    Args:
        mask: of any mode.
        size: width and height of the image that it is for.

    Raises:
        UserError: it marks nothing, or has another shape than the image.
    """
    from PIL.Image import Resampling

    width, height = mask.size
    if abs(width / height / (size[0] / size[1]) - 1) > OTHER_SHAPE:
        raise UserError(
            f"the mask has {width}x{height} pixels, and the image {size[0]}x{size[1]}; give a mask of the image's shape"
        )
    alpha = mask.convert("RGBA").getchannel("A")
    if alpha.getextrema()[0] < MARKED:  # type: ignore[operator] # of one channel
        marked = alpha.point(lambda value: 255 if value < MARKED else 0)
    else:
        marked = mask.convert("L").point(lambda value: 255 if value >= MARKED else 0)
    marked = marked.resize(size, Resampling.NEAREST) if marked.size != size else marked
    if marked.getbbox() is None:
        raise UserError("the mask marks nothing; make white, or transparent, what is to be drawn anew")
    return marked


def sized_as_image(request: DrawRequest) -> DrawRequest:
    """Return a request for a part of an image with the image's own size, whatever other is asked for."""
    assert request.redraw is not None
    return replace(request, size=PictureSize(*request.redraw.image.size))


def kept_outside(drawing: Drawing, redraw: Redraw) -> Drawing:
    """Return a drawing of a part in the image that it is a part of: outside the mask each pixel is the image's."""
    from PIL import Image

    image = drawing.image.convert("RGB")
    if image.size != redraw.image.size:
        image = image.resize(redraw.image.size, Image.Resampling.LANCZOS)
    whole = Image.composite(image, redraw.image.convert("RGB"), redraw.mask)
    return replace(drawing, image=whole, facts={**drawing.facts, "redrawn": list(redraw.mask.getbbox() or ())})
