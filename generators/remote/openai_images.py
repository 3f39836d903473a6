"""OpenAI's images API, and servers that speak it: ``openai:MODEL`` and ``openai:MODEL@https://HOST/v1``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NoReturn

import httpx
from PIL import Image

from imagerag.errors import UserError
from imagerag.generators.base import UNCONTROLLED, DrawControl, Drawing, DrawRequest, StopCheck, check_request
from imagerag.generators.diffusion.words import conditioned, plain
from imagerag.generators.remote.calling import Reply, TransientError, answered, opened, retry_transient
from imagerag.generators.remote.image_addresses import fetched_image
from imagerag.generators.remote.image_answers import first_image
from imagerag.generators.remote.images_api import TIMEOUT, ImagesApi
from imagerag.generators.remote.jobs import ACCEPTED, job_in
from imagerag.generators.remote.one_by_one import Drawn, draw_one_by_one
from imagerag.generators.remote.server_errors import has_error, is_withheld, said_by
from imagerag.generators.sizing import Canvas, nearest_canvas
from imagerag.picture_size import PictureSize
from imagerag.store.png import encode_png, on_white

BASE_URL = "https://api.openai.com/v1"
KEY = "OPENAI_API_KEY"
"""The variable with OpenAI's key."""
SIZES: Mapping[str, tuple[Canvas, ...]] = {
    "dall-e-2": ((1024, 1024), (512, 512), (256, 256)),
    "dall-e-3": ((1024, 1024), (1792, 1024), (1024, 1792)),
}
"""Width and height in pixels by model (OpenAI's API reference, images/generations, ``size``); the first is the usual
one. What isn't listed draws at ``USUAL_SIZES``."""
USUAL_SIZES: tuple[Canvas, ...] = ((1024, 1024), (1536, 1024), (1024, 1536))
OUTPUT_TOKENS = 6240
"""Of one image at most: 1024x1536 in the best quality, which a server may choose (OpenAI's guide to image generation,
the table of gpt-image-1's tokens; 4,160 for 1024x1024)."""

MOST_REFERENCES = {"dall-e-2": 0, "dall-e-3": 0}
"""By model. dall-e-2 edits one image under a mask, dall-e-3 none; what isn't listed takes ``USUAL``."""
USUAL = 16
"""Images that gpt-image-1 takes in one edit (OpenAI's API reference, images/edits, ``image``)."""

GENERATIONS, EDITS = "/images/generations", "/images/edits"
"""Paths below the API's address."""


class OpenAIImages(ImagesApi):
    """Draws by an images API: without references by ``images/generations``, with them by ``images/edits``.

    The API takes no seed: a seed in a manifest tells candidates apart, and doesn't make the same pixels again. Nor does
    it take a strength for references; ``reference_scale`` is not used.

    Args:
        name: ``MODEL`` or ``MODEL@URL``.

    Raises:
        UserError: not such a name, or the key is not set.
    """

    revision = "1"
    output_tokens = OUTPUT_TOKENS

    def __init__(self, name: str) -> None:
        super().__init__("openai", name, os.environ.get("OPENAI_BASE_URL") or BASE_URL, (KEY,))
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
        files = [
            ("image[]", (f"{number}.png", encode_png(on_white(one.image)), "image/png"))
            for number, one in enumerate(request.references, 1)
        ]
        facts = {"model": self.model, "words": words, "seed_used": False}
        size = self._size(request.size)
        return draw_one_by_one(request, control, lambda seed: self._one(words, files, size, control.check), facts)

    def asked_for_model(self, timeout: float) -> int:
        """Ask the server whether it has this model, which draws nothing, and return the HTTP status of its answer.

        Args:
            timeout: seconds.

        Raises:
            httpx.HTTPError: no answer.
        """
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        with httpx.Client(timeout=timeout, headers=headers, follow_redirects=False) as client:
            return client.get(f"{self._base}/models/{self.model}").status_code

    def _size(self, wanted: PictureSize | None) -> str:
        """Return the size to ask for, as the API writes it."""
        sizes = SIZES.get(self.model, USUAL_SIZES)
        width, height = sizes[0] if wanted is None else nearest_canvas(wanted, sizes, sizes[0])
        return f"{width}x{height}"

    def _one(self, words: str, files: list[Any], size: str, check: StopCheck | None) -> Drawn:
        fields = {"model": self.model, "prompt": words, "n": 1, "size": size}
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        path = EDITS if files else GENERATIONS
        sent: dict[str, Any] = {"json": fields}
        if files:
            sent = {"data": {key: str(value) for key, value in fields.items()}, "files": files}
        with httpx.Client(timeout=TIMEOUT, headers=headers, follow_redirects=False) as client:

            def call() -> tuple[Image.Image | str, dict[str, int]]:
                return self._read(answered(client, "POST", self._base + path, secret=self._key, **sent), path)

            try:
                drawn, usage = retry_transient(call, check, client.close)
            except TransientError as failure:
                raise failure.ended(self.name) from failure
        if isinstance(drawn, str):
            drawn = self._fetched(drawn, check)
        return drawn, usage

    def _read(self, reply: Reply, path: str) -> tuple[Image.Image | str, dict[str, int]]:
        """Return the image of an answer, or its address, and the tokens that the answer tells."""
        if not reply.is_fine:
            self._refused(reply, path)
        if reply.kind.startswith("image/"):
            return reply.image(), {}
        body = None if reply.status == ACCEPTED and not reply.body.strip() else reply.json()
        if not reply.said.is_refusal and (job := job_in(reply.status, body)):
            raise UserError(
                f"{self.name!r} answers with a job in place of an image ({job}), and jobs are not waited for; give its "
                "address that waits for the image, or a gateway that does, such as LiteLLM"
            )
        try:
            found = first_image(body)
        except ValueError as error:
            if has_error(body):
                self._refused(reply, path)
            raise TransientError(f"an answer without a whole image ({error})") from error
        if (
            found is None
            or not (found.data or found.address)
            or said_by({"finish_reason": found.entry.get("finish_reason")}).is_refusal
            or any(is_withheld(each) for each in (body, found.entry) if isinstance(each, Mapping))
        ):
            if has_error(body) or reply.said.is_refusal:
                self._refused(reply, path)
            raise TransientError(" ".join(f"an answer without an image {reply.said.words}".split()))
        try:
            return (opened(found.data) if found.data else found.address), _usage(body)
        except TransientError:
            if has_error(body):  # words, too, can be read as base64
                self._refused(reply, path)
            raise

    def _refused(self, reply: Reply, path: str) -> NoReturn:
        edits = path == EDITS
        instead = ", or draw without references: --mode no_lookup" if edits else ""
        self._refuse(reply, what=f" to {path}" if edits else "", instead=instead)

    def _fetched(self, address: str, check: StopCheck | None) -> Image.Image:
        """Return an image that is given by address; another try asks for it again, and draws nothing."""
        try:
            return retry_transient(lambda: fetched_image(address, self._base, TIMEOUT), check, lambda: None)
        except (TransientError, UserError) as failure:
            raise UserError(
                f"{self.name!r} drew an image that can't be fetched: {failure}; let the server answer with the image "
                "itself (b64_json), or with an address that is open to all or its own"
            ) from failure


def _usage(body: Any) -> dict[str, int]:
    """Return the tokens that an answer tells, as far as it does."""
    told = body.get("usage") if isinstance(body, dict) else None
    if not isinstance(told, dict):
        return {}
    counts = {name: told.get(f"{name}_tokens") for name in ("input", "output")}
    return {name: count for name, count in counts.items() if isinstance(count, int)}
