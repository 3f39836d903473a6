"""Model families by how they take reference images: one table, one class each, and nothing per model.

A new model of a known family is a table in ``presets.toml``. A new family is a class here with ``arguments`` and
``words``, entered in ``FAMILIES``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from imagerag.generators.base import DrawRequest, Reference
from imagerag.generators.diffusion import words
from imagerag.generators.diffusion.edit import EditFamily
from imagerag.generators.diffusion.family import TextFamily
from imagerag.generators.diffusion.ip_adapter import AdapterFamily
from imagerag.generators.diffusion.presets import FamilyName
from imagerag.generators.diffusion.words import Words
from imagerag.store.png import on_white


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


FAMILIES: dict[FamilyName, Any] = {
    "ip-adapter": AdapterFamily,
    "in-context": InContextFamily,
    "edit": EditFamily,
    "text": TextFamily,
}
