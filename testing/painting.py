"""Library pictures in colours that are not their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from imagerag.generators.patchwork.recolour import recolour
from imagerag.prompt_grammar.vocabulary import COLOURS

if TYPE_CHECKING:
    from PIL import Image


def painted(picture: Image.Image, colour: str) -> Image.Image:
    """Return an RGBA picture in one of the named colours, as the generator paints what a prompt names a colour for."""
    from PIL import Image as pil

    cut = np.asarray(np.asarray(picture.convert("RGBa"), np.float32) / 255, np.float32)
    pixels = (recolour(cut, COLOURS[colour]) * 255).round().astype(np.uint8)
    return pil.frombuffer("RGBa", picture.size, pixels.tobytes(), "raw", "RGBa", 0, 1).convert("RGBA")
