"""The sizes that each family of models draws well at, by the pipeline of diffusers that draws."""

from __future__ import annotations

import math
from collections.abc import Mapping

from imagerag.generators.sizing import SDXL_CANVASES, Canvas, Grid, nearest_canvas
from imagerag.picture_size import PictureSize

MEGAPIXEL = 1024 * 1024

CANVASES: Mapping[str, Grid | tuple[Canvas, ...]] = {
    # Trained at 512x512; its page of diffusers advises to keep to that, or to make one side longer.
    "StableDiffusionPipeline": Grid(8, (384, 768), (512 * 512, 512 * 768)),
    "StableDiffusionXLPipeline": SDXL_CANVASES,
    # "Close to one megapixel, sides multiples of 64": Stability AI's own sizes for it are among SDXL's.
    "StableDiffusion3Pipeline": SDXL_CANVASES,
    "KolorsPipeline": SDXL_CANVASES,
    # "Any aspect ratio and resolution from 0.1 to 2.0 megapixels" (Black Forest Labs on FLUX.1); sides as the pipeline
    # wants them. Below a quarter of a megapixel it is scaled instead.
    "FluxPipeline": Grid(16, (256, 2048), (MEGAPIXEL // 4, 2 * MEGAPIXEL)),
    # Black Forest Labs on FLUX.2: multiples of 16, up to 4 megapixels.
    "Flux2Pipeline": Grid(16, (256, 2880), (MEGAPIXEL // 4, 4 * MEGAPIXEL)),
    "Flux2KleinPipeline": Grid(16, (256, 2880), (MEGAPIXEL // 4, 4 * MEGAPIXEL)),
    "Flux2KleinKVPipeline": Grid(16, (256, 2880), (MEGAPIXEL // 4, 4 * MEGAPIXEL)),
    # "512x512 to 2048x2048 (total pixel area, any aspect ratio)": README of github.com/Tongyi-MAI/Z-Image at 44314b8.
    "ZImagePipeline": Grid(16, (256, 2880), (MEGAPIXEL // 4, 4 * MEGAPIXEL)),
    # What its pipeline itself chooses from (PREFERRED_KONTEXT_RESOLUTIONS of diffusers).
    "FluxKontextPipeline": (
        (672, 1568), (688, 1504), (720, 1456), (752, 1392), (800, 1328), (832, 1248), (880, 1184), (944, 1104),
        (1024, 1024), (1104, 944), (1184, 880), (1248, 832), (1328, 800), (1392, 752), (1456, 720), (1504, 688),
        (1568, 672),
    ),
    # "Aspect ratios" of the model's page.
    "QwenImagePipeline": (
        (1328, 1328), (1664, 928), (928, 1664), (1472, 1104), (1104, 1472), (1584, 1056), (1056, 1584),
    ),
    # What the pipelines of these two take; any other size they draw at the nearest of these, without a word.
    "HunyuanDiTPipeline": (
        (1024, 1024), (1280, 1280), (1024, 768), (1152, 864), (1280, 960), (768, 1024), (864, 1152), (960, 1280),
        (1280, 768), (768, 1280),
    ),
    "Kandinsky5T2IPipeline": (
        (1024, 1024), (640, 1408), (1408, 640), (768, 1280), (1280, 768), (896, 1152), (1152, 896),
    ),
    # calculate_dimensions of its pipeline: a megapixel, sides multiples of 32.
    "QwenImageEditPlusPipeline": Grid(32, (512, 2048), (MEGAPIXEL * 9 // 10, MEGAPIXEL * 11 // 10)),
}  # fmt: skip
"""All other pipelines draw at about as many pixels as their preset has."""

SCALED = frozenset({"PixArtAlphaPipeline", "PixArtSigmaPipeline", "SanaPipeline", "SanaSprintPipeline"})
"""Classes trained on SDXL's sizes, halved or doubled with the side of their own (``ASPECT_RATIO_512_BIN`` and others of
diffusers). Their pipelines would choose among these themselves and crop without a word (``calling.py``)."""

STEP = 32
"""Pixels that each side of those others is a multiple of. GLM-Image, Qwen-Image 2.1 and HunyuanImage 2.1 want that:
some refuse other sizes, some draw at the next lower one without a word; no pipeline of diffusers wants more."""

SDXL_SIDE, HALVES = 1024, (0.25, 0.5, 1, 2, 4)
"""Side of SDXL's square in pixels, and times that the squares of those classes have."""

AREA = 1.5
"""How far the pixels of a preset may be from what its family was trained on, either way, for that to apply to it."""


def canvas_of(class_name: str, usual: Canvas, wanted: PictureSize | None) -> Canvas:
    """Return the width and height in pixels at which a pipeline draws.

    Args:
        class_name: of the pipeline.
        usual: the preset's own size.
        wanted: what is asked for, if anything.
    """
    if wanted is None:
        return usual
    known = CANVASES.get(class_name)
    if class_name in SCALED and usual[0] == usual[1] and (times := usual[0] / SDXL_SIDE) in HALVES:
        known = tuple((int(width * times), int(height * times)) for width, height in SDXL_CANVASES)
    if isinstance(known, Grid):
        known = known.canvases()
    if known is None or not _is_among(usual, known):
        known = _about(usual, STEP if known is None else 16).canvases()
    return nearest_canvas(wanted, known, usual)


def _is_among(usual: Canvas, known: tuple[Canvas, ...]) -> bool:
    """Tell whether a model of that size is one of those that the sizes are for; SDXL Turbo, of 512x512, is not."""
    pixels = [width * height for width, height in known]
    return min(pixels) / AREA <= usual[0] * usual[1] <= max(pixels) * AREA


def _about(usual: Canvas, step: int) -> Grid:
    pixels = usual[0] * usual[1]
    side = math.sqrt(pixels)
    return Grid(step, (max(step, int(side / 2)), int(side * 2)), (pixels * 4 // 5, pixels * 5 // 4))
