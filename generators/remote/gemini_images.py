"""Google's Gemini models that draw: ``google_genai:MODEL`` and ``google_genai:MODEL@https://HOST/v1beta``.

They speak ``generateContent`` (ai.google.dev/api/generate-content): images go in as parts of the request beside its
words, and come out as parts of the answer.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from imagerag.errors import DrawingRefused
from imagerag.generators.base import DrawControl
from imagerag.generators.remote.calling import Reply, TransientError, answered, opened, retry_transient
from imagerag.generators.remote.images_api import TIMEOUT, ImagesApi, Order
from imagerag.generators.remote.one_by_one import Drawn
from imagerag.generators.remote.remote_sizes import ratio
from imagerag.store.data_urls import decoded

REFUSED = frozenset(
    {
        "SAFETY", "IMAGE_SAFETY", "PROHIBITED_CONTENT", "IMAGE_PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "RECITATION",
        "IMAGE_RECITATION",
    }
)  # fmt: skip
"""Reasons of a candidate's end by which the safety system refuses (``FinishReason`` of the same page)."""


class GeminiImages(ImagesApi):
    """Draws by ``generateContent``, references as parts before the words.

    ``reference_scale`` is not used: the API has none. A seed is sent, and promises nothing.

    Args:
        name: ``MODEL`` or ``MODEL@URL``.

    Raises:
        UserError: not such a name, or the key is not set.
    """

    prefix = "google_genai"
    key_header = ("x-goog-api-key", "{key}")
    probe = "/models/{model}"

    def asked_for_model(self, timeout: float) -> int:
        """Ask the server whether it has this model, which draws nothing, and return the HTTP status of its answer.

        Args:
            timeout: seconds.

        Raises:
            httpx.HTTPError: no answer.
        """
        with self._client(timeout) as client:
            reply = client.get(self._base + self.probe.format(model=self.model))
        return 401 if "API_KEY_INVALID" in reply.text else reply.status_code

    def _one(self, order: Order, seed: int, control: DrawControl) -> Drawn:
        parts = [
            {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(file).decode()}} for file in order.files
        ]
        body = {
            "contents": [{"role": "user", "parts": [*parts, {"text": order.words}]}],
            "generationConfig": {
                "responseModalities": ["TEXT", "IMAGE"],
                "imageConfig": {"aspectRatio": ratio(order.size)},
                "seed": seed % 2**31,  # an int32 there
            },
        }
        address = f"{self._base}/models/{self.model}:generateContent"
        with self._client(TIMEOUT) as client:
            try:
                return retry_transient(
                    lambda: self._read(answered(client, "POST", address, secret=self._key, json=body), control),
                    control.check,
                    client.close,
                    control.charge,
                )
            except TransientError as failure:
                raise failure.ended(self.name) from failure

    def _read(self, reply: Reply, control: DrawControl) -> Drawn:
        if not reply.is_fine:
            self._refuse(reply, "unusable" if "apikeyinvalid" in reply.said.codes else None)
        body = reply.json()
        blocked = _inside(body, "promptFeedback", "blockReason")
        candidates = _inside(body, "candidates")
        first = candidates[0] if isinstance(candidates, list) and candidates else {}
        reason = str(_inside(first, "finishReason") or "")
        parts = _inside(first, "content", "parts")
        shown = [part for part in parts or [] if isinstance(part, dict) and not part.get("thought")]
        image = next((data for part in reversed(shown) if (data := _image_in(part))), None)
        said = " ".join(str(part.get("text", "")) for part in shown).strip()[:200]
        if image is None and (blocked or reason in REFUSED):
            control.charge(_usage(body))
            told = " ".join(filter(None, (str(blocked or reason), said)))
            raise DrawingRefused(f"the safety system of {self.name!r} refuses this ({told}); other words may pass")
        if image is None:
            told = "; ".join(filter(None, (reason, said))) or "nothing"
            raise TransientError(f"an answer without an image ({told})", usage=_usage(body))
        try:
            return opened(decoded(image)), _usage(body)
        except ValueError as error:
            raise TransientError("an answer without a whole image (no base64)", usage=_usage(body)) from error
        except TransientError as failure:
            failure.usage = _usage(body)
            raise


def _inside(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _image_in(part: dict[str, Any]) -> str | None:
    """Return an image part's base64; JSON of Google's spells names in camel case, some gateways with underscores."""
    inline = part.get("inlineData") or part.get("inline_data")
    data = inline.get("data") if isinstance(inline, dict) else None
    return data if isinstance(data, str) and data else None


def _usage(body: Any) -> Mapping[str, float]:
    """Return the tokens that an answer tells, thoughts among those that came out."""
    told = _inside(body, "usageMetadata")
    asked = _inside(told, "promptTokenCount")
    made = [_inside(told, key) for key in ("candidatesTokenCount", "thoughtsTokenCount")]
    counts = [count for count in made if isinstance(count, int)]
    usage = {"input": asked} if isinstance(asked, int) else {}
    return {**usage, "output": sum(counts)} if counts else usage
