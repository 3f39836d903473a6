"""A reference without its surroundings: the part of a picture that shows the concept, cropped, cut out, or all else
see-through.

Where the concept is, CLIP tells window by window (``imagerag.embedders.concept_region``), or a model that takes images
(``imagerag.agent.reference_reader``). What is drawn with is written into the manifest as a ``Region``, so that a replay
needs neither and gives the same pixels.
"""

from __future__ import annotations

import hashlib
import importlib.util
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imagerag.errors import InvalidArgument
from imagerag.extras import need
from imagerag.generators.base import Generator, Reference
from imagerag.modes import Isolation

if TYPE_CHECKING:
    from imagerag.embedders.window_evidence import Box

UNIFORM = 0.06
"""Standard deviation of colours, 0..1, up to which a border is plain: such a picture has no surroundings. As in
``imagerag.generators.patchwork.matting``, which cuts those out by itself."""
MASK_SIDE = 256
"""Pixels on the longer side at which a thing is cut out: a tenth of a second on a CPU."""
ITERATIONS = 4
LEAST = 0.05
"""Share of the region below which what was cut out is no thing, and the region is drawn with as it is."""
EXTRA = "cut"


class Region(NamedTuple):
    """The part of a reference that is drawn with.

    Attributes:
        box: left, top, right and bottom in pixels of the stored picture.
        cut_out: what is not the thing itself is see-through.
        masked: the picture keeps its size, and what is outside of the part is see-through.
    """

    box: Box
    cut_out: bool = False
    masked: bool = False

    @property
    def text(self) -> str:
        """As notes tell it."""
        left, top, right, bottom = self.box
        how = "cut out of" if self.cut_out else "seen only in" if self.masked else "cropped to"
        return f"{how} {right - left}x{bottom - top}"


@runtime_checkable
class PrefersIsolation(Protocol):
    """A generator for which it was measured how references are best isolated; others get them as they are."""

    @property
    def isolation(self) -> Isolation:
        """How."""


def isolation_for(generator: Generator, asked: Isolation | None) -> Isolation:
    """Return how references of a generator are isolated: as asked, or else as measures best for it.

    What measures best is to cut out; where the library for that is not installed it is the next best, to crop.

    Raises:
        UserError: cutting out is asked for, and the library is not installed.
    """
    if asked is not None:
        if asked == "cut":
            need("cv2", EXTRA, "--isolation cut")
        return asked
    best = generator.isolation if isinstance(generator, PrefersIsolation) else "none"
    return "crop" if best == "cut" and not can_cut() else best


def can_cut() -> bool:
    """Tell whether the library that cuts things out is installed."""
    return importlib.util.find_spec("cv2") is not None


def has_surroundings(image: Image.Image) -> bool:
    """Tell whether a picture shows more than one thing: nothing of it is see-through, and its border isn't plain."""
    if "A" in image.getbands() and np.asarray(image.getchannel("A")).min() < 250:
        return False
    rgb: NDArray[np.float32] = np.asarray(image.convert("RGB"), dtype=np.float32) / np.float32(255)
    border = np.concatenate([rgb[0], rgb[-1], rgb[:, 0], rgb[:, -1]])
    return float(border.std(axis=0).max()) > UNIFORM


def isolated(reference: Reference, region: Region | None) -> Reference:
    """Return a reference of which only a region is shown; the whole one for ``None``.

    Its digest is another one then: generators keep what they have made of a picture by that.

    Raises:
        InvalidArgument: the region is none of this picture.
        UserError: it is cut out, and the library for that is not installed.
    """
    if region is None:
        return reference
    width, height = reference.image.size
    left, top, right, bottom = region.box
    if not (0 <= left < right <= width and 0 <= top < bottom <= height):
        raise InvalidArgument(f"region {region.box!r} is no part of a picture of {width}x{height} pixels")
    part = reference.image.crop(region.box)
    if region.cut_out:
        part = _cut_out(reference.image, region.box)
    elif region.masked:
        part = Image.new("RGBA", reference.image.size, (255, 255, 255, 0))
        part.paste(reference.image.convert("RGBA").crop(region.box), region.box)
    digest = hashlib.sha256(f"{reference.sha256} {tuple(region)}".encode("ascii")).hexdigest()
    known = digest if reference.sha256 else ""
    return Reference(part, reference.concept, reference.kind, known, reference.scale)


def _cut_out(image: Image.Image, box: Box) -> Image.Image:
    """Return the region, its ground see-through, by GrabCut (Rother, Kolmogorov, Blake 2004): what lies outside it is
    known to be ground. As it is where nothing can be told apart.
    """
    need("cv2", EXTRA, "cutting references out")
    import cv2

    rgb = image.convert("RGB")
    scale = min(1.0, MASK_SIDE / max(rgb.size))
    small = rgb.resize((max(1, round(rgb.width * scale)), max(1, round(rgb.height * scale))), Image.Resampling.BOX)
    left, top, right, bottom = (round(edge * scale) for edge in box)
    known: Any = np.full((small.height, small.width), cv2.GC_BGD, np.uint8)
    known[top:bottom, left:right] = cv2.GC_PR_FGD
    part = rgb.crop(box)
    if (known == cv2.GC_PR_FGD).all() or not (known == cv2.GC_PR_FGD).any():
        return part
    cv2.setRNGSeed(1)  # its clusters begin at random
    models = np.zeros((1, 65)), np.zeros((1, 65))
    try:
        pixels = np.ascontiguousarray(np.asarray(small)[..., ::-1])
        cv2.grabCut(pixels, known, None, *models, ITERATIONS, cv2.GC_INIT_WITH_MASK)
    except cv2.error:  # too few colours to tell apart
        return part
    thing = np.isin(known, (cv2.GC_FGD, cv2.GC_PR_FGD))
    if thing[top:bottom, left:right].mean() < LEAST:
        return part
    mask = Image.fromarray((thing * 255).astype(np.uint8)).resize(rgb.size, Image.Resampling.BILINEAR)
    part.putalpha(mask.crop(box))
    return part
