"""Where in a picture a concept is, by a CLIP model that looks at it window by window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from imagerag.embedders.window_evidence import FINE, Box, Windows, windows

if TYPE_CHECKING:
    from PIL import Image

    from imagerag.embedders.clip import Embedder

MARGINS = {"crop": 1.0, "cut": 1.25, "mask": 1.0}
"""Sides of what is drawn with, in sides of the window that looks most like the concept. Windows cut off ears and legs;
what is only cropped pays for a margin in ground, and what is cut out is not. (benchmarks.isolation, half dev)"""


def concept_region(image: Image.Image, concept: str, embedder: Embedder, cut: Windows = FINE) -> Box | None:
    """Return the window that is most like the concept's name, or ``None`` where that is the whole picture.

    Args:
        image: any mode.
        concept: a name or a description.
        embedder: the CLIP.
        cut: the windows.
    """
    rgb = image.convert("RGB")
    boxes = windows(rgb.size, cut)
    seen = embedder.embed_images([rgb.crop(box) for box in boxes])
    best = int(np.argmax(seen @ embedder.embed_texts([concept])[0]))
    return boxes[best] if best else None


def grown(box: Box, size: Sequence[int], factor: float) -> Box:
    """Return a box around the same middle, its sides longer by a factor, as far as the picture reaches."""
    left, top, right, bottom = box
    wide, high = (right - left) * (factor - 1) / 2, (bottom - top) * (factor - 1) / 2
    return (
        max(0, round(left - wide)), max(0, round(top - high)),
        min(size[0], round(right + wide)), min(size[1], round(bottom + high)),
    )  # fmt: skip
