"""Give a drawing other colours, keeping its dark lines and white highlights."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
OPPONENT = np.array([[0.299, 0.587, 0.114], [0.5, -0.419, -0.081], [-0.169, -0.331, 0.5]], dtype=np.float32)
"""RGB to brightness, red minus the rest, blue minus the rest (YCbCr, ITU-R BT.601)."""


def recolour(cut: Floats, colour: tuple[int, int, int]) -> Floats:
    """Tint a cut-out.

    Args:
        cut: (h, w, 4) premultiplied RGBA in 0..1.
        colour: RGB, 0..255.

    Returns:
        The same shape; the most common brightness of the drawing becomes the named colour, what is lighter or darker
        stays lighter or darker than it.
    """
    alpha = cut[..., 3:]
    rgb, body, shade = parts_of(cut)
    mixed = body[..., None] * tint(colour, shade).clip(0, 1) + (1 - body[..., None]) * rgb
    return np.concatenate([mixed.clip(0, 1) * alpha, alpha], axis=-1).astype(np.float32)


def tint(colour: tuple[int, int, int], shade: Floats) -> Floats:
    """Return the colours that a named one gives brightnesses which differ so much from the most common one.

    Args:
        colour: RGB, 0..255.
        shade: (...) the differences, -1..1.

    Returns:
        (..., 3), about 0..1.
    """
    target = np.array(colour, dtype=np.float32) / 255
    # Shading is kept at part of its strength: a named colour should be that colour nearly everywhere.
    return np.asarray(target + 0.75 * shade[..., None] * (0.35 + 0.65 * target), np.float32)


def parts_of(cut: Floats) -> tuple[Floats, Floats, Floats]:
    """Return what a cut-out is painted by.

    Args:
        cut: (h, w, 4) premultiplied RGBA in 0..1.

    Returns:
        Its colours (h, w, 3); how much each pixel is of the body, which takes a colour, and not of dark lines or white
        highlights (h, w); how much brighter than the most common brightness it is (h, w), -1..1.
    """
    alpha = cut[..., 3:]
    rgb: Floats = np.divide(cut[..., :3], np.maximum(alpha, 1e-4), dtype=np.float32)
    light: Floats = (rgb @ LUMA).astype(np.float32)
    saturation: Floats = rgb.max(axis=-1) - rgb.min(axis=-1)
    lines = _ramp(0.30 - light, 0.15) * (saturation < 0.35)
    glints = _ramp(light - 0.85, 0.08) * _ramp(0.2 - saturation, 0.1)
    visible = alpha[..., 0] > 0.5
    body = 1 - np.maximum(lines, glints)
    share = float(body[visible].mean()) if visible.any() else 1.0
    if share < 0.4:
        # A mostly black or white drawing has no other body than its black or white.
        dark = float(lines[visible].mean()) > float(glints[visible].mean())
        body = 1 - (glints if dark else lines)
    chosen = visible & (body > 0.5)
    middle = float(np.median(light[chosen])) if chosen.any() else 0.5
    return rgb, body, light - middle


def share_palette(examples: Floats, leader: int, strength: float) -> Floats:
    """Bring drawings nearer to the colours of one of them, so that their parts go together.

    Mean and spread are moved in an opponent colour space (Reinhard et al. 2001, "Color transfer between images"), hue
    more than brightness; black lines and white stay.

    Args:
        examples: (K, 4, H, W) premultiplied RGBA in 0..1.
        leader: index of the example whose colours the others take.
        strength: 0 changes nothing, 1 takes the colours over.
    """
    alpha = examples[:, 3:]
    opponent = np.einsum("ij,kjhw->kihw", OPPONENT, examples[:, :3] / np.maximum(alpha, 1e-4))
    mass = alpha.sum(axis=(2, 3), keepdims=True) + 1e-4
    mean = (opponent * alpha).sum(axis=(2, 3), keepdims=True) / mass
    spread = np.sqrt((np.square(opponent - mean) * alpha).sum(axis=(2, 3), keepdims=True) / mass) + 0.02
    gain = np.clip(spread[leader] / spread, 0.6, 1.6)
    moved = (opponent - mean) * gain + mean[leader]
    light, vivid = opponent[:, :1], np.abs(opponent[:, 1:]).sum(axis=1, keepdims=True)
    # Lines and white carry shape (eyes, teeth, outlines), not colour.
    free = np.maximum(_ramp(light - 0.12, 0.25) * _ramp(0.98 - light, 0.2), _ramp(vivid - 0.15, 0.2))
    amount = strength * free * np.array([0.5, 1, 1], dtype=np.float32).reshape(3, 1, 1)
    rgb = np.einsum("ij,kjhw->kihw", np.linalg.inv(OPPONENT), opponent + amount * (moved - opponent))
    mixed = np.concatenate([rgb.clip(0, 1) * alpha, alpha], axis=1).astype(np.float32)
    mixed[leader] = examples[leader]
    return mixed


def _ramp(value: Floats, width: float) -> Floats:
    share: Floats = np.clip(value / width, 0, 1)
    return share
