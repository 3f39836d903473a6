"""A picture with the things in one colour painted back into the colours that a thing has in the library.

The network of ``imagerag.evaluation.evaluator`` knows things by their colours as well, so that a blue lobster is hardly
one. What the generator paints for a named colour are shades of it, each of which stands for a brightness
(``imagerag.generators.patchwork.recolour``); here each shade gets the colour that a library picture of the thing has at
that brightness. Other things don't become it by that, as their shapes stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from imagerag.assets.library import Library
from imagerag.generators.patchwork.recolour import Floats, parts_of, tint
from imagerag.prompt_grammar.vocabulary import COLOURS

if TYPE_CHECKING:
    from PIL import Image

SHADES: Floats = np.linspace(-1, 1, 107, dtype=np.float32)
"""Differences from the most common brightness that are told apart."""
BLUR = 0.053
"""Deviation of the brightnesses that are averaged for a shade."""
SIDE = 80
"""Pixels at which palettes are taken."""
SAME, OTHER = 0.08, 0.16
"""Distances from the nearest shade in RGB, 0..1 each, up to which a pixel is of a colour, and from which it is not."""
PICTURES = 4
"""Library pictures of a thing whose colours are tried."""


def palettes(library: Library, concept: str) -> list[Floats]:
    """Return the colours of a thing by shade, (shades, 3) of each of its first library pictures."""
    from PIL import Image as pil

    found = []
    for row in library.by_concept[concept][:PICTURES]:
        small = library.image(row).convert("RGBa").resize((SIDE, SIDE), pil.Resampling.BOX)
        cut = np.asarray(np.asarray(small, np.float32) / 255, np.float32)
        rgb, body, shade = parts_of(cut)
        chosen = (cut[..., 3] > 0.5) & (body > 0.5)
        if chosen.any():
            away = (SHADES[:, None] - shade[chosen][None]) / BLUR
            weights = np.exp(-(away**2) / 2) + 1e-9 * np.exp(-2 * np.abs(away)) + 1e-30
            found.append(np.asarray(weights @ rgb[chosen] / weights.sum(axis=1, keepdims=True), np.float32))
    return found


def painted_back(image: Image.Image, colour: str, own: Sequence[Floats]) -> list[Image.Image]:
    """Return an image once for each palette, with what is of a colour in those of the palette.

    Args:
        image: any size.
        colour: one of ``COLOURS``.
        own: palettes as ``palettes`` gives them.
    """
    from PIL import Image as pil

    rgb = np.asarray(image.convert("RGB"), np.float32) / 255
    shades = tint(COLOURS[colour], SHADES).clip(0, 1)
    nearest = np.full(rgb.shape[:2], np.inf, np.float32)
    which = np.zeros(rgb.shape[:2], np.intp)
    for at, shade in enumerate(shades):
        distance = np.square(rgb - shade).sum(axis=-1)
        nearer = distance < nearest
        nearest[nearer], which[nearer] = distance[nearer], at
    of_it = np.clip((OTHER - np.sqrt(nearest)) / (OTHER - SAME), 0, 1)[..., None]
    painted = [of_it * palette[which] + (1 - of_it) * rgb for palette in own]
    return [pil.fromarray((pixels.clip(0, 1) * 255).round().astype(np.uint8), "RGB") for pixels in painted]
