"""Recraft's API: ``recraft:MODEL`` (recraft.ai/docs/api-reference/endpoints), OpenAI's protocol but for references."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imagerag.errors import UserError
from imagerag.generators.remote.images_api import Order
from imagerag.generators.remote.job_polling import amount
from imagerag.generators.remote.openai_images import GENERATIONS, OpenAIImages
from imagerag.generators.sizing import Canvas

IMAGE_TO_IMAGE = "/images/imageToImage"
MOST_PIXELS = 4 * 2**20
"""Of a reference: a PNG of them stays below the 10 MB that a file may have."""
SIZES: tuple[Canvas, ...] = (
    (1024, 1024), (1365, 1024), (1024, 1365), (1536, 1024), (1024, 1536), (1820, 1024), (1024, 1820), (1024, 2048),
    (2048, 1024), (1434, 1024), (1024, 1434), (1280, 1024), (1024, 1280), (1707, 1024), (1024, 1707),
)  # fmt: skip
"""Width and height in pixels that ``size`` takes (the page of endpoints, its list of image sizes)."""
UNIT = 0.001
"""US dollars (the page on prices: 1 USD are 1,000 units)."""


class RecraftImages(OpenAIImages):
    """Draws by ``images/generations``, and with one reference by ``images/imageToImage``.

    There ``reference_scale`` counts: the API's ``strength``, 0..1, is how far the image may move from the reference.

    Raises:
        UserError: besides, a model that draws vectors.
    """

    prefix = "recraft"
    probe = "/users/me"
    probe_knows_models = False
    most_pixels = MOST_PIXELS
    sizes = SIZES

    def __init__(self, name: str) -> None:
        super().__init__(name)
        if self.model.endswith("_vector"):
            raster = self.model.removesuffix("_vector")
            raise UserError(f"generator {self.name!r} draws vectors, and images are pixels here; give recraft:{raster}")

    def _asked(self, order: Order, seed: int) -> tuple[str, dict[str, Any]]:
        fields: dict[str, Any] = {"model": self.model, "prompt": order.words, "n": 1, "response_format": "b64_json"}
        if not order.files:
            return GENERATIONS, {"json": {**fields, "size": self._size(order.size)}}
        data = {key: str(value) for key, value in fields.items()} | {"strength": f"{1 - order.scale:.2f}"}
        return IMAGE_TO_IMAGE, {"data": data, "files": [("image", ("1.png", order.files[0], "image/png"))]}

    def _usage(self, body: Any) -> Mapping[str, float]:
        units = amount(body.get("credits")) if isinstance(body, dict) else None
        return {} if units is None else {"dollars": units * UNIT}
