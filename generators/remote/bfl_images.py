"""Black Forest Labs' own API: ``bfl:MODEL`` (docs.bfl.ai/quick_start/generating_images, and its OpenAPI document).

A model has a path; the answer names an address to ask for the result, which may be that of a region. There is nothing
to call a job off with: one that is left goes on, and is charged.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from imagerag.generators.remote.calling import TransientError
from imagerag.generators.remote.images_api import Order
from imagerag.generators.remote.job_polling import Job, JobsApi, amount, path_of
from imagerag.generators.remote.remote_sizes import canvas
from imagerag.generators.remote.server_errors import said_by

CREDIT = 0.01
"""US dollars (docs.bfl.ai/quick_start/pricing)."""
PENDING = frozenset({"Pending", "Reasoning", "Generating"})
UNKNOWN = "Task not found"
REFUSED = frozenset({"Request Moderated", "Content Moderated"})
"""States of a task (``StatusResponse`` of the OpenAPI document; those of the newer models are pending)."""


class BflImages(JobsApi):
    """Draws by tasks, references as ``input_image``, ``input_image_2`` ... in base64.

    ``reference_scale`` is not used: the API has none.
    """

    prefix = "bfl"
    key_header = ("x-key", "{key}")
    calls_off = False
    probe = "/v1/credits"
    probe_knows_models = False

    def _submission(self, order: Order, seed: int) -> tuple[str, dict[str, Any]]:
        width, height = canvas(order.size)
        fields: dict[str, Any] = {
            "prompt": order.words, "width": width, "height": height, "seed": seed, "output_format": "png",
        }  # fmt: skip
        for number, file in enumerate(order.files, 1):
            name = "input_image" if number == 1 else f"input_image_{number}"
            fields[name] = base64.b64encode(file).decode()
        return f"/v1/{path_of(self.model)}", fields

    def _job(self, body: Mapping[str, Any]) -> Job:
        return Job(str(body["polling_url"]), usage=self._usage(body))

    def _is_done(self, body: Mapping[str, Any]) -> bool:
        state = str(body.get("status"))
        if state == "Ready":
            return True
        if state == UNKNOWN:
            raise TransientError(f"the job is not known there ({state})")
        if state not in PENDING:
            said = said_by(body)
            self._failed(said._replace(filtered=said.filtered or state in REFUSED, words=said.words or state))
        return False

    def _image_of(self, body: Mapping[str, Any]) -> str:
        return str(body["result"]["sample"])

    def _usage(self, body: Mapping[str, Any]) -> Mapping[str, float]:
        credit = amount(body.get("cost"))
        return {} if credit is None else {"dollars": credit * CREDIT}
