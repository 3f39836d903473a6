"""Google's Gemini models that draw: ``google_genai:MODEL`` and ``google_genai:MODEL@https://HOST/v1beta``.

They speak ``generateContent`` (ai.google.dev/api/generate-content): images go in as parts of the request beside its
words, and come out as parts of the answer.
"""

from __future__ import annotations

import base64
from typing import Any

import httpx

from imagerag.errors import DrawingRefused
from imagerag.generators.base import UNCONTROLLED, DrawControl, Drawing, DrawRequest, StopCheck, check_request
from imagerag.generators.diffusion.words import conditioned, plain
from imagerag.generators.remote.calling import Reply, TransientError, answered, opened, retry_transient
from imagerag.generators.remote.images_api import TIMEOUT, ImagesApi
from imagerag.generators.remote.one_by_one import Drawn, draw_one_by_one
from imagerag.store.data_urls import decoded
from imagerag.store.png import encode_png, on_white

BASE_URL = "https://generativelanguage.googleapis.com/v1beta"
KEYS = ("GOOGLE_API_KEY", "GEMINI_API_KEY")
"""Variables with Google's key, the first one that is set; a server named by address gets neither."""
OUTPUT_TOKENS = 2520
"""Of one image at most: 1,120 to 2,520 by size, the thinking of the models of 3.x counted apart (Google's page on image
generation, tables of sizes and tokens)."""

MOST_REFERENCES = {"gemini-2.5-flash-image": 3, "gemini-2.5-flash-image-preview": 3}
"""By model; what isn't listed takes ``USUAL``."""
USUAL = 14
"""Images that models of 3.x take beside the words (Google's page on image generation)."""

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

    revision = "1"
    output_tokens = OUTPUT_TOKENS

    def __init__(self, name: str) -> None:
        super().__init__("google_genai", name, BASE_URL, KEYS)
        self.max_references = MOST_REFERENCES.get(self.model, USUAL)

    def draw(self, request: DrawRequest, control: DrawControl = UNCONTROLLED) -> list[Drawing]:
        """Draw one image per seed, each by a request of its own; see ``Generator.draw``.

        Raises:
            DrawingRefused: the server's safety system refuses all of them.
            InvalidArgument: no seeds, too many references, or the server can't be made to answer with an image.
            UserError: only the person can help: the key, the model, the address, or what is left of the credit.
        """
        check_request(request, self)
        words = conditioned(plain(request.prompt), request.references, "{concept} (image {number})")
        parts = [
            {
                "inlineData": {
                    "mimeType": "image/png",
                    "data": base64.b64encode(encode_png(on_white(one.image))).decode(),
                }
            }
            for one in request.references
        ]
        facts = {"model": self.model, "words": words, "seed_used": False}
        return draw_one_by_one(request, control, lambda seed: self._one(words, parts, seed, control.check), facts)

    def asked_for_model(self, timeout: float) -> int:
        """Ask the server whether it has this model, which draws nothing, and return the HTTP status of its answer.

        Args:
            timeout: seconds.

        Raises:
            httpx.HTTPError: no answer.
        """
        with self._client(timeout) as client:
            reply = client.get(f"{self._base}/models/{self.model}")
        return 401 if "API_KEY_INVALID" in reply.text else reply.status_code

    def _client(self, timeout: float) -> httpx.Client:
        headers = {"x-goog-api-key": self._key} if self._key else {}
        return httpx.Client(timeout=timeout, headers=headers, follow_redirects=False)

    def _one(self, words: str, parts: list[Any], seed: int, check: StopCheck | None) -> Drawn:
        body = {
            "contents": [{"role": "user", "parts": [*parts, {"text": words}]}],
            "generationConfig": {
                "responseModalities": ["TEXT", "IMAGE"],
                "imageConfig": {"aspectRatio": "1:1"},
                "seed": seed % 2**31,  # an int32 there
            },
        }
        address = f"{self._base}/models/{self.model}:generateContent"
        with self._client(TIMEOUT) as client:
            try:
                return retry_transient(
                    lambda: self._read(answered(client, "POST", address, secret=self._key, json=body)),
                    check,
                    client.close,
                )
            except TransientError as failure:
                raise failure.ended(self.name) from failure

    def _read(self, reply: Reply) -> Drawn:
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
            told = " ".join(filter(None, (str(blocked or reason), said)))
            raise DrawingRefused(f"the safety system of {self.name!r} refuses this ({told}); other words may pass")
        if image is None:
            told = "; ".join(filter(None, (reason, said))) or "nothing"
            raise TransientError(f"an answer without an image ({told})")
        try:
            file = decoded(image)
        except ValueError as error:
            raise TransientError("an answer without a whole image (no base64)") from error
        return opened(file), _usage(body)


def _inside(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _image_in(part: dict[str, Any]) -> str | None:
    """Return an image part's base64; JSON of Google's spells names in camel case, some gateways with underscores."""
    inline = part.get("inlineData") or part.get("inline_data")
    data = inline.get("data") if isinstance(inline, dict) else None
    return data if isinstance(data, str) and data else None


def _usage(body: Any) -> dict[str, int]:
    """Return the tokens that an answer tells, thoughts among those that came out."""
    told = _inside(body, "usageMetadata")
    asked = _inside(told, "promptTokenCount")
    made = [_inside(told, key) for key in ("candidatesTokenCount", "thoughtsTokenCount")]
    counts = [count for count in made if isinstance(count, int)]
    usage = {"input": asked} if isinstance(asked, int) else {}
    return {**usage, "output": sum(counts)} if counts else usage
