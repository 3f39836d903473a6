"""Which colours an image has, measured on its pixels: no model is needed to see that a background is blue."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imagerag.prompt_grammar.vocabulary import COLOURS

BASIC = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white", "gray")
"""The eleven basic colour terms of English (Berlin and Kay, 1969)."""

FRAME = 3
"""Width in pixels of the frame along the edge that counts as background."""

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels."""

APART = 18.0
"""Distance in CIELAB (1976) from which on a pixel is not of the background's colour."""

HALF = 0.4
"""Share of an object's pixels in a colour at which the object is as likely as not called by it: outlines,
highlights and other parts have colours of their own."""


def background_likelihood(image: Image.Image, colour: str) -> float:
    """Return 0..1: the share of the image's frame whose nearest basic colour is that of ``colour``."""
    lab = _lab(image)
    frame = np.concatenate([lab[:FRAME].reshape(-1, 3), lab[-FRAME:].reshape(-1, 3)])
    frame = np.concatenate([frame, lab[:, :FRAME].reshape(-1, 3), lab[:, -FRAME:].reshape(-1, 3)])
    return float(np.mean(_same_term(frame, colour)))


def object_likelihood(image: Image.Image, colour: str, box: Box | None = None) -> float:
    """Return 0..1: how likely the drawn part, all that stands out from the frame's colour, is called by ``colour``.

    Args:
        image: any size; the background is what its frame shows.
        colour: a key of ``COLOURS``.
        box: where the object is; the whole image if not given.
    """
    lab = _lab(image)
    background = np.median(np.concatenate([lab[:FRAME].reshape(-1, 3), lab[-FRAME:].reshape(-1, 3)]), axis=0)
    drawn = (lab if box is None else _lab(image.crop(box))).reshape(-1, 3)
    drawn = drawn[np.linalg.norm(drawn - background, axis=1) > APART]
    if len(drawn) == 0:
        return 0.0
    share = float(np.mean(_same_term(drawn, colour)))
    return share / (share + HALF) if share else 0.0


def repainted(image: Image.Image) -> list[Image.Image]:
    """Return the image with less, without, and with other colour: its hue turned by a quarter, a half, three quarters.

    What something is, where it was asked for in a colour it never has, can be seen only when the colour is looked past.
    """
    rgb = image.convert("RGB")
    grey = rgb.convert("L").convert("RGB")
    hue, saturation, value = rgb.convert("HSV").split()
    turned = [
        Image.merge("HSV", (hue.point([(h + turn) % 256 for h in range(256)]), saturation, value)).convert("RGB")
        for turn in (64, 128, 192)
    ]
    return [Image.blend(rgb, grey, 0.6), grey, *turned]


def _same_term(lab: NDArray[np.float64], colour: str) -> NDArray[np.bool_]:
    """Tell which pixels have the basic colour term that the named colour has."""
    palette = _to_lab(np.array([COLOURS[name] for name in BASIC], dtype=np.float64))
    wanted = _nearest(_to_lab(np.array([COLOURS[colour]], dtype=np.float64)), palette)[0]
    same: NDArray[np.bool_] = _nearest(lab, palette) == wanted
    return same


def _nearest(lab: NDArray[np.float64], palette: NDArray[np.float64]) -> NDArray[np.int64]:
    nearest: NDArray[np.int64] = np.argmin(np.linalg.norm(lab[:, None] - palette[None], axis=2), axis=1)
    return nearest


def _lab(image: Image.Image) -> NDArray[np.float64]:
    small = image.convert("RGB")
    small.thumbnail((128, 128))
    return _to_lab(np.asarray(small, dtype=np.float64))


def _to_lab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """Convert sRGB 0..255 to CIELAB, white D65 (IEC 61966-2-1; CIE 15:2004)."""
    unit = rgb / 255
    linear = np.where(unit <= 0.04045, unit / 12.92, ((unit + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = linear @ to_xyz.T / np.array([0.9505, 1.0, 1.089])
    root = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack(
        [116 * root[..., 1] - 16, 500 * (root[..., 0] - root[..., 1]), 200 * (root[..., 1] - root[..., 2])], axis=-1
    )
