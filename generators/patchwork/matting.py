"""From any picture to a cut-out object: background away, cropped, premultiplied, in a square."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float32]

WORK_SIDE = 192
"""Pictures are cut out at most this large; a drawing has 128 pixels."""
UNIFORM = 0.06
"""A border whose colours spread less than this (standard deviation, 0..1) is taken for a plain background."""
NEAR, FAR = 0.05, 0.16
"""Colour distance (largest channel difference, 0..1) to the background that is fully it, and fully not it."""


def cut_out(image: Image.Image) -> Floats:
    """Separate the object from its background.

    A picture with transparency keeps its own. Otherwise, when the border has one colour, whatever of that colour is
    connected with the border becomes transparent (white eyes of an animal on white stay). Else all is object.

    Args:
        image: any mode, any size of at least one pixel.

    Returns:
        (h, w, 4) premultiplied RGBA in 0..1, cropped to what is visible.
    """
    small = image.convert("RGBA")
    if max(small.size) > WORK_SIDE:
        scale = WORK_SIDE / max(small.size)
        size = (max(1, round(small.width * scale)), max(1, round(small.height * scale)))
        # Premultiplied resampling keeps the colour of invisible pixels out of the edges.
        small = small.convert("RGBa").resize(size, Image.Resampling.LANCZOS).convert("RGBA")
    pixels: Floats = np.asarray(small, dtype=np.float32) / np.float32(255)
    rgb: Floats = pixels[..., :3]
    alpha: Floats = pixels[..., 3:]
    if float(alpha.min()) > 0.98:
        alpha, rgb = _matte(rgb)
    else:
        rgb = rgb * alpha
    cut = np.concatenate([rgb, alpha], axis=-1).astype(np.float32)
    rows = np.flatnonzero((alpha[..., 0] > 0.04).any(axis=1))
    columns = np.flatnonzero((alpha[..., 0] > 0.04).any(axis=0))
    if not len(rows):
        return np.concatenate([pixels[..., :3], np.ones_like(alpha)], axis=-1)
    return cut[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _matte(rgb: Floats) -> tuple[Floats, Floats]:
    """Alpha and premultiplied colour of an opaque picture."""
    opaque = np.ones((*rgb.shape[:2], 1), dtype=np.float32)
    border = np.concatenate([rgb[0], rgb[-1], rgb[:, 0], rgb[:, -1]])
    if float(border.std(axis=0).max()) > UNIFORM:
        return opaque, rgb
    plain = np.median(border, axis=0)
    distance = np.abs(rgb - plain).max(axis=-1)
    outside = _connected_to_border(distance < FAR)
    alpha = np.where(outside, np.clip((distance - NEAR) / (FAR - NEAR), 0, 1), 1).astype(np.float32)[..., None]
    if float(alpha.mean()) < 0.01:
        return opaque, rgb
    return alpha, np.clip(rgb - (1 - alpha) * plain, 0, alpha).astype(np.float32)


def _connected_to_border(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    reached = np.zeros_like(mask)
    reached[[0, -1]], reached[:, [0, -1]] = mask[[0, -1]], mask[:, [0, -1]]
    while True:
        grown = reached.copy()
        grown[1:] |= reached[:-1]
        grown[:-1] |= reached[1:]
        grown[:, 1:] |= reached[:, :-1]
        grown[:, :-1] |= reached[:, 1:]
        grown &= mask
        if np.array_equal(grown, reached):
            return reached
        reached = grown


def fit(cut: Floats, side: int, longer: float, aspect: float | None = None) -> Floats:
    """Scale a cut-out into the middle of a square.

    Args:
        cut: (h, w, 4) premultiplied RGBA in 0..1.
        side: of the square, in pixels.
        longer: pixels that the longer side of the object takes, at most ``side``.
        aspect: width / height to stretch it to; None keeps its own.

    Returns:
        (4, side, side) premultiplied RGBA in 0..1.
    """
    height, width = cut.shape[:2]
    ratio = aspect or width / height
    wide = max(1, round(longer * min(1.0, ratio)))
    high = max(1, round(longer * min(1.0, 1 / ratio)))
    left, top = (side - wide) // 2, (side - high) // 2
    square = np.zeros((4, side, side), dtype=np.float32)
    for channel in range(4):
        plane = Image.fromarray(np.ascontiguousarray(cut[..., channel])).resize((wide, high), Image.Resampling.LANCZOS)
        square[channel, top : top + high, left : left + wide] = np.asarray(plane)
    alpha = square[3:].clip(0, 1)
    return np.concatenate([square[:3].clip(0, None).clip(None, alpha), alpha])
