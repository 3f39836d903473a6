"""Stability AI's Stable Image services: ``stability:ultra``, ``stability:core`` and ``stability:sd3.5-large`` ...

``v2beta/stable-image/generate`` (platform.stability.ai/docs/api-reference) takes forms, with a file where there is a
reference. The answer is asked for as JSON, which has the image in base64 and says whether a filter has blurred it.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from imagerag.generators.base import DrawControl
from imagerag.generators.remote.calling import Reply, TransientError, answered, opened, retry_transient
from imagerag.generators.remote.images_api import TIMEOUT, ImagesApi, Order
from imagerag.generators.remote.one_by_one import Drawn
from imagerag.generators.remote.remote_sizes import ratio
from imagerag.store.data_urls import decoded

SERVICES = ("ultra", "core")
"""Services with a path of their own; models of Stable Diffusion share one."""
SEEDS = 2**32 - 1
"""So many, from 0, where 0 means any."""
RATIOS = ("1:1", "16:9", "9:16", "3:2", "2:3", "5:4", "4:5", "21:9", "9:21")
"""Of ``aspect_ratio`` in the API's reference."""
MOST_PIXELS = 4 * 2**20
"""Of a reference: a PNG of them stays below the 10 MB that a request may have."""


class StabilityImages(ImagesApi):
    """Draws by forms. With a reference ``reference_scale`` counts: ``strength``, 0..1, is how far from it to go."""

    prefix = "stability"
    probe = "/v1/user/balance"
    probe_knows_models = False
    most_pixels = MOST_PIXELS

    @property
    def takes_negatives(self) -> bool:
        """Whether the model heeds a negative prompt: those that are distilled to a few steps don't."""
        return "turbo" not in self.model

    def _one(self, order: Order, seed: int, control: DrawControl) -> Drawn:
        service = self.model if self.model in SERVICES else "sd3"
        fields = {"prompt": order.words, "output_format": "png", "seed": str(seed % SEEDS)}
        if service == "sd3":
            fields |= {"model": self.model, "mode": "image-to-image" if order.files else "text-to-image"}
        if order.negative:
            fields["negative_prompt"] = order.negative
        # httpx sends a form as multipart, which the API requires, only where there is a file in it.
        files: dict[str, Any] = {name: (None, value) for name, value in fields.items()}
        if order.files:
            files |= {"image": ("1.png", order.files[0], "image/png"), "strength": (None, f"{1 - order.scale:.2f}")}
        else:
            files["aspect_ratio"] = (None, ratio(order.size, RATIOS))
        address = f"{self._base}/v2beta/stable-image/generate/{service}"
        with self._client(TIMEOUT, {"accept": "application/json"}) as client:
            ask = partial(answered, client, "POST", address, secret=self._key, files=files)
            try:
                return retry_transient(lambda: self._read(ask()), control.check, client.close)
            except TransientError as failure:
                raise failure.ended(self.name) from failure

    def _read(self, reply: Reply) -> Drawn:
        if not reply.is_fine or reply.said.is_refusal:
            self._refuse(reply)
        body = reply.json()
        image = body.get("image") if isinstance(body, dict) else None
        if not isinstance(image, str):
            raise TransientError(" ".join(f"an answer without an image {reply.said.words}".split()))
        try:
            return opened(decoded(image)), {}
        except ValueError as error:
            raise TransientError("an answer without a whole image (no base64)") from error
