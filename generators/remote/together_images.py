"""Together's images API: ``together:OWNER/MODEL`` (docs.together.ai/reference/post-images-generations).

OpenAI's protocol with other fields: references go into the JSON, and there is one path for both. The description has
them as addresses; ``data:`` URLs, which the makers of these models take themselves, are sent in their place.
"""

from __future__ import annotations

from typing import Any

from imagerag.generators.remote.images_api import Order
from imagerag.generators.remote.job_polling import MEGAPIXEL
from imagerag.generators.remote.openai_images import GENERATIONS, OpenAIImages
from imagerag.store.data_urls import as_data_url

SIDE = 1024
"""Pixels of the image's width and height."""


class TogetherImages(OpenAIImages):
    """Draws by ``images/generations``; ``reference_scale`` is not used."""

    prefix = "together"
    probe = "/models"
    probe_knows_models = False
    most_pixels = MEGAPIXEL

    def _asked(self, order: Order, seed: int) -> tuple[str, dict[str, Any]]:
        fields: dict[str, Any] = {
            "model": self.model, "prompt": order.words, "n": 1, "width": SIDE, "height": SIDE,
            "response_format": "base64", "output_format": "png",
        }  # fmt: skip
        if self._known.seed:
            fields["seed"] = seed
        if order.files:
            fields[self._known.takes] = [as_data_url(file, "image/png") for file in order.files]
        return GENERATIONS, {"json": fields}
