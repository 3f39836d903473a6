"""Model families by how they take reference images: one table, one class each, and nothing per model.

A new model of a known family is a table in ``presets.toml``. A new family is a class here with ``arguments`` and
``words``, entered in ``FAMILIES``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PIL import Image

from imagerag.generators.base import DrawRequest, Reference
from imagerag.generators.diffusion import words
from imagerag.generators.diffusion.family import TextFamily
from imagerag.generators.diffusion.ip_adapter import AdapterFamily
from imagerag.generators.diffusion.presets import FamilyName, Preset
from imagerag.generators.diffusion.words import Words
from imagerag.store.png import on_white

SMALLEST = 256
"""Pixels of a reference's shorter side for edit models: FLUX.2 refuses below 64, and all see little in so few."""


class InContextFamily(TextFamily):
    """Images beside the prompt, each at its placeholder in the text (OmniGen, Xiao et al. 2024).

    How strongly they count is guidance towards the images: 1 (none) at scale 0, 1.6, the authors' value, at 0.5.
    """

    def words(self, prompt: str, references: Sequence[Reference]) -> Words:
        """Return the conditioned prompt with OmniGen's placeholders; without them it would not see the images."""
        form = "{concept}: <img><|image_{number}|></img>"
        return Words(words.conditioned(prompt, references, form))

    def arguments(self, request: DrawRequest) -> dict[str, Any]:
        """Return the images and their guidance."""
        if not request.references:
            return {}
        images = [on_white(reference.image) for reference in request.references]
        return {"input_images": images, "img_guidance_scale": 1 + 1.2 * request.reference_scale}


class EditFamily(TextFamily):
    """Edit models that take several input images: they are told which is what, and to make a new picture.

    These models have no scale for their images; ``reference_scale`` 0 leaves them out.
    """

    def __init__(self, pipeline: Any, preset: Preset) -> None:
        super().__init__(pipeline, preset)
        self._without = pipeline

    def prepare(self) -> None:
        """Make the way to draw without images, over the same weights, where the edit pipeline can't."""
        if self.class_name == "QwenImageEditPlusPipeline":
            from diffusers.pipelines.qwenimage.pipeline_qwenimage import QwenImagePipeline

            parts = {name: part for name, part in self.pipeline.components.items() if name != "processor"}
            self._without = QwenImagePipeline(**parts)

    def pipeline_for(self, references: Sequence[Reference]) -> Any:
        """Return the edit pipeline, or the one over the same weights that draws from words."""
        return self.pipeline if references else self._without

    def words(self, prompt: str, references: Sequence[Reference]) -> Words:
        """Return the conditioned prompt, in which images are called by number or by place."""
        form = "{concept} (image {number})"
        if self._is_stitched:
            form = "{concept} (picture {number} from the left)" if len(references) > 1 else "{concept}"
        return words.fitted(self.pipeline, prompt, words.conditioned(prompt, references, form))

    def arguments(self, request: DrawRequest) -> dict[str, Any]:
        """Return the images; side by side as one for a pipeline that takes only one."""
        if not request.references:
            return {}
        images = [large_enough(on_white(reference.image)) for reference in request.references]
        return {"image": stitched(images) if self._is_stitched else images}

    @property
    def _is_stitched(self) -> bool:
        return self.class_name == "FluxKontextPipeline"


FAMILIES: dict[FamilyName, Any] = {
    "ip-adapter": AdapterFamily,
    "in-context": InContextFamily,
    "edit": EditFamily,
    "text": TextFamily,
}

PIPELINES: dict[str, str] = {
    "StableDiffusionPipeline": "sd15",
    "StableDiffusionXLPipeline": "sdxl",
    "KolorsPipeline": "kolors",
    "StableDiffusion3Pipeline": "sd35",
    "FluxPipeline": "flux",
    "OmniGenPipeline": "omnigen",
    "QwenImageEditPlusPipeline": "qwen-edit",
    "FluxKontextPipeline": "kontext",
    "Flux2Pipeline": "flux2",
    "Flux2KleinPipeline": "flux2-klein",
}
"""By the pipeline class of a checkpoint: the preset it is asked like. All other classes draw from words alone."""


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
