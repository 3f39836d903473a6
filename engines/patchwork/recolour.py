"""Give a drawing a colour that the prompt names, keeping its dark lines and white highlights."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)


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
    target = np.array(colour, dtype=np.float32) / 255
    # Shading is kept at part of its strength: a named colour should be that colour nearly everywhere.
    tinted = target + 0.75 * (light - middle)[..., None] * (0.35 + 0.65 * target)
    mixed = body[..., None] * tinted.clip(0, 1) + (1 - body[..., None]) * rgb
    return np.concatenate([mixed.clip(0, 1) * alpha, alpha], axis=-1).astype(np.float32)


def _ramp(value: Floats, width: float) -> Floats:
    share: Floats = np.clip(value / width, 0, 1)
    return share
