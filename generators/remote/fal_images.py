"""fal's queue: ``fal:OWNER/MODEL`` (fal.ai/docs/api-reference/inference-api, its OpenAPI document of the queue)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imagerag.generators.remote.images_api import Order
from imagerag.generators.remote.job_polling import Job, JobsApi, path_of
from imagerag.generators.remote.remote_sizes import sized_inputs
from imagerag.generators.remote.server_errors import said_by
from imagerag.store.data_urls import as_data_url

PENDING = frozenset({"IN_QUEUE", "IN_PROGRESS"})
"""States of a request that isn't ``COMPLETED`` yet."""


class FalImages(JobsApi):
    """Draws by requests of the queue; which fields a model has is in ``imagerag/remote_models.toml``.

    A model that isn't listed there is asked with the prompt alone. ``reference_scale`` is not used.
    """

    prefix = "fal"
    key_header = ("Authorization", "Key {key}")

    def _submission(self, order: Order, seed: int) -> tuple[str, dict[str, Any]]:
        known = self._known
        fields: dict[str, Any] = {"prompt": order.words, **sized_inputs(known.inputs, order.size)}
        if known.seed:
            fields["seed"] = seed
        if order.files:
            fields[known.takes] = [as_data_url(file, "image/png") for file in order.files]
        return f"/{path_of(known.edit if order.files and known.edit else self.model)}", fields

    def _job(self, body: Mapping[str, Any]) -> Job:
        cancel = body.get("cancel_url")
        called_off = ("PUT", str(cancel)) if cancel else None
        return Job(str(body["status_url"]), str(body["response_url"]), called_off)

    def _is_done(self, body: Mapping[str, Any]) -> bool:
        state = str(body.get("status"))
        if state in PENDING:
            return False
        if state != "COMPLETED" or body.get("error"):
            self._failed(said_by(body), state)
        return True

    def _image_of(self, body: Mapping[str, Any]) -> str:
        first = body["images"][0] if "images" in body else body["image"]
        return str(first["url"])
