"""Replicate's predictions: ``replicate:OWNER/MODEL``, or ``replicate:OWNER/MODEL:VERSION``.

The protocol is that of replicate.com/docs/reference/http. Predictions are asked for without ``Prefer: wait``: until
such an answer comes, there is no id by which to call the work off.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from PIL import Image

from imagerag.generators.remote.images_api import Order
from imagerag.generators.remote.job_polling import Job, JobsApi, path_of
from imagerag.generators.remote.remote_sizes import sized_inputs
from imagerag.generators.remote.server_errors import said_by
from imagerag.store.data_urls import as_data_url

MOST_BYTES = 10**6
"""Of a file in a ``data:`` URL: "only recommended if the file is less than 1MB"
(replicate.com/docs/topics/predictions/input-files)."""
QUALITY = 95
"""Of the JPEG that a larger one is sent as."""
PENDING = frozenset({"starting", "processing"})
"""States of a prediction that is neither ``succeeded`` nor over."""


class ReplicateImages(JobsApi):
    """Draws by predictions; which inputs a model has is in ``imagerag/remote_models.toml``.

    A model that isn't listed there is asked with the prompt alone. ``reference_scale`` is not used.
    """

    prefix = "replicate"
    probe = "/v1/models/{model}"

    def _submission(self, order: Order, seed: int) -> tuple[str, dict[str, Any]]:
        known = self._known
        inputs: dict[str, Any] = {"prompt": order.words, **sized_inputs(known.inputs, order.size)}
        if known.seed:
            inputs["seed"] = seed % 2**31
        if order.files:
            inputs[known.takes] = [as_small_url(file) for file in order.files]
        name, _, version = self.model.partition(":")
        if version:
            return "/v1/predictions", {"version": version, "input": inputs}
        return f"/v1/models/{path_of(name)}/predictions", {"input": inputs}

    def _job(self, body: Mapping[str, Any]) -> Job:
        urls = body["urls"]
        cancel = urls.get("cancel")
        return Job(str(urls["get"]), cancel=("POST", str(cancel)) if cancel else None)

    def _is_done(self, body: Mapping[str, Any]) -> bool:
        state = str(body.get("status"))
        if state in PENDING:
            return False
        if state != "succeeded":
            self._failed(said_by(body), state)
        return True

    def _image_of(self, body: Mapping[str, Any]) -> str:
        output = body["output"]
        first = output[0] if isinstance(output, list) else output
        if not isinstance(first, str):
            raise TypeError("no address")
        return first


def as_small_url(file: bytes) -> str:
    """Return a PNG file as a ``data:`` URL, as a JPEG where it is larger than ``MOST_BYTES``."""
    if len(file) <= MOST_BYTES:
        return as_data_url(file, "image/png")
    smaller = io.BytesIO()
    with Image.open(io.BytesIO(file)) as image:
        image.convert("RGB").save(smaller, "JPEG", quality=QUALITY, subsampling=0)
    return as_data_url(smaller.getvalue(), "image/jpeg")
