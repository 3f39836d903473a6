"""Edit models: input images beside an instruction. What differs between their pipelines is a table, one row a class."""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from PIL import Image

from imagerag.generators.base import DrawRequest, Reference
from imagerag.generators.diffusion import words
from imagerag.generators.diffusion.family import TextFamily
from imagerag.generators.diffusion.ip_adapter import fitting, squared
from imagerag.generators.diffusion.presets import Preset
from imagerag.generators.diffusion.structured_prompts import is_structured, structured
from imagerag.generators.diffusion.words import Words
from imagerag.store.png import on_white

SMALLEST = 256
"""Pixels of a reference's shorter side for edit models: FLUX.2 refuses below 64, and all see little in so few."""

WIDEST = 8.0
"""How often a reference's shorter side goes into its longer one, at most: FLUX.2 refuses more
(``Flux2ImageProcessor.check_image_input`` of diffusers), and others would round the shorter side to nothing."""

WIDEST_OF_KONTEXT = 1568 / 672
"""Of the sizes that FLUX.1 Kontext's pipeline stretches its image to (``PREFERRED_KONTEXT_RESOLUTIONS``)."""

WIDEST_OF_JOY = 4.0
"""Of those that JoyAI-Image-Edit-Plus crops its images to (``BUCKETS`` of its image processor)."""

SQUARE_SIDE = 1024
"""Pixels of a white square with a reference: GLM-Image counts in squares of 32, and draws at about a megapixel."""


@dataclass(frozen=True)
class Editor:
    """How one pipeline class is given its images.

    Attributes:
        argument: by which name.
        one: it takes one image, not a list: several go in side by side.
        listed: it takes a list as well, for those of its models that were taught with several images.
        framed: its image is set on white in the proportions of the drawing: that has the image's, or the image would be
            cropped to the drawing's without a word.
        without: the class, over the same weights, that draws where there are no references; itself if empty.
        canvas: it needs an image always: without references, a white one.
        squares: its images have to be of one size, and go in on white squares.
        widest: how often the shorter side of its image may go into the longer one; what is longer is set on white.
    """

    argument: str = "image"
    one: bool = False
    listed: bool = False
    framed: bool = False
    without: str = ""
    canvas: bool = False
    squares: bool = False
    widest: float = WIDEST


EDITORS: dict[str, Editor] = {
    "QwenImageEditPipeline": Editor(one=True, without="QwenImagePipeline"),
    "QwenImageEditPlusPipeline": Editor(without="QwenImagePipeline"),
    "QwenImage21Pipeline": Editor(),
    "FluxKontextPipeline": Editor(one=True, widest=WIDEST_OF_KONTEXT),
    "Flux2Pipeline": Editor(),
    "Flux2KleinPipeline": Editor(),
    "Flux2KleinKVPipeline": Editor(),
    "LongCatImageEditPipeline": Editor(one=True, framed=True, without="LongCatImagePipeline"),
    "JoyImageEditPipeline": Editor(one=True, framed=True, canvas=True),
    "JoyImageEditPlusPipeline": Editor(argument="images", widest=WIDEST_OF_JOY),
    "BriaFiboEditPipeline": Editor(one=True, listed=True, canvas=True),
    "GlmImagePipeline": Editor(squares=True),
}
"""By pipeline class, as the signatures and checks of diffusers 0.42.1 have it."""


class EditFamily(TextFamily):
    """Edit models that take several input images: they are told which is what, and to make a new picture.

    These models have no scale for their images; ``reference_scale`` 0 leaves them out.
    """

    def __init__(self, pipeline: Any, preset: Preset) -> None:
        super().__init__(pipeline, preset)
        editor = EDITORS.get(self.class_name, Editor())
        self._editor = replace(editor, one=editor.one and not (editor.listed and preset.max_references > 1))
        self._without = pipeline

    def prepare(self) -> None:
        """Make the way to draw without images, over the same weights, where the edit pipeline can't."""
        if self.class_name == "GlmImagePipeline":
            keep_images_apart(self.pipeline.vision_language_encoder)
        if self._editor.without:
            pipeline_class = getattr(importlib.import_module("diffusers"), self._editor.without)
            wanted = pipeline_class._get_signature_types()
            parts = {name: part for name, part in self.pipeline.components.items() if name in wanted}
            self._without = pipeline_class(**parts)
            self._without.set_progress_bar_config(disable=True)

    def counted(self, request: DrawRequest) -> DrawRequest:
        """Return the request without references at scale 0, which would count in full."""
        scales = [request.reference_scale if one.scale is None else one.scale for one in request.references]
        counting = tuple(one for one, scale in zip(request.references, scales, strict=True) if scale > 0)
        return replace(request, references=counting)

    def pipeline_for(self, references: Sequence[Reference]) -> Any:
        """Return the edit pipeline, or the one over the same weights that draws from words."""
        return self.pipeline if references else self._without

    def words(self, prompt: str, references: Sequence[Reference]) -> Words:
        """Return the conditioned prompt, in which images are called by number or by place."""
        form = "{concept} (image {number})"
        if self._editor.one:
            form = "{concept} (picture {number} from the left)" if len(references) > 1 else "{concept}"
        if is_structured(self.class_name, prompt):
            return self._fitted(prompt, prompt)
        return structured(self.class_name, self._fitted(prompt, words.conditioned(prompt, references, form)))

    def arguments(self, request: DrawRequest) -> dict[str, Any]:
        """Return the images; side by side as one for a pipeline that takes only one."""
        editor, size = self._editor, self.canvas(request)
        if not request.references:
            return {editor.argument: Image.new("RGB", size, "white")} if editor.canvas else {}
        if editor.squares:
            side = (SQUARE_SIDE, SQUARE_SIDE)
            squares = [squared(one.image).resize(side, Image.Resampling.LANCZOS) for one in request.references]
            return {editor.argument: squares}
        widest = WIDEST if editor.one else editor.widest
        images = [large_enough(no_strip(on_white(reference.image), widest)) for reference in request.references]
        if not editor.one:
            return {editor.argument: images}
        image = no_strip(stitched(images) if len(images) > 1 else images[0], editor.widest)
        return {editor.argument: framed(image, size) if editor.framed else image}


def keep_images_apart(encoder: Any) -> None:
    """Let GLM-Image's encoder read several images of one size that diffusers hands it joined.

    diffusers 0.42.1 joins the features of all images (``torch.cat`` in ``generate_prior_tokens``), as earlier versions
    of transformers had them in rows; that of transformers 5.24 has a map of each, and reads them one by one.

    Args:
        encoder: ``vision_language_encoder`` of a ``GlmImagePipeline``, which is changed.
    """
    read = encoder.get_image_tokens

    def tokens(features: Any, image_grid_thw: Any = None) -> Any:
        joined = image_grid_thw is not None and getattr(features, "ndim", 0) == 3
        return read(list(features.chunk(len(image_grid_thw))) if joined else features, image_grid_thw)

    encoder.get_image_tokens = tokens


def no_strip(image: Image.Image, widest: float) -> Image.Image:
    """Return an image whose longer side is at most ``widest`` times its shorter one: a longer one on a white sheet."""
    if max(image.size) <= widest * min(image.size):
        return image
    part = fitting(image)
    least = math.ceil(max(part.size) / widest)
    sheet = Image.new("RGB", (max(part.width, least), max(part.height, least)), "white")
    sheet.paste(part, ((sheet.width - part.width) // 2, (sheet.height - part.height) // 2))
    return sheet


def large_enough(image: Image.Image, side: int = SMALLEST) -> Image.Image:
    """Return an image whose shorter side has at least so many pixels."""
    scale = side / min(image.size)
    if scale <= 1:
        return image
    return image.resize((max(round(image.width * scale), side), max(round(image.height * scale), side)))


def stitched(images: Sequence[Image.Image], height: int = 768) -> Image.Image:
    """Return images side by side at one height, as FLUX.1 Kontext was trained on one image alone."""
    scaled = [image.resize((max(round(image.width * height / image.height), 1), height)) for image in images]
    sheet = Image.new("RGB", (sum(image.width for image in scaled), height), "white")
    left = 0
    for image in scaled:
        sheet.paste(image, (left, 0))
        left += image.width
    return sheet


def framed(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return an image in the middle of a white sheet that has the proportions of ``size``, nothing of it cut off."""
    width = max(image.width, round(image.height * size[0] / size[1]))
    height = max(image.height, round(width * size[1] / size[0]))
    sheet = Image.new("RGB", (width, height), "white")
    sheet.paste(image, ((width - image.width) // 2, (height - image.height) // 2))
    return sheet
