"""OpenAI's images API, and servers that speak it: ``openai:MODEL`` and ``openai:MODEL@https://HOST/v1``."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import os
import re
from typing import Any

import httpx
from PIL import Image

from imagerag.errors import DrawingRefused, InvalidArgument, UserError
from imagerag.generators.base import UNCONTROLLED, DrawControl, Drawing, DrawRequest, StopCheck, check_request
from imagerag.generators.diffusion.words import conditioned, plain
from imagerag.generators.remote.calling import Reply, TransientError, answered, opened, retry_transient
from imagerag.store.png import encode_png, on_white

BASE_URL = "https://api.openai.com/v1"
KEY, SERVER_KEY = "OPENAI_API_KEY", "IMAGERAG_SERVER_KEY"
"""Variables with the key of OpenAI, and of a server named by address; neither is ever sent to the other."""
TIMEOUT = 300.0
"""Seconds; the slowest models take two minutes for one image."""
SIZE = "1024x1024"
OUTPUT_TOKENS = 4160
"""Of one image of that size in the best quality, which a server may choose (OpenAI's guide to image generation, the
table of gpt-image-1's tokens)."""

MOST_REFERENCES = {"dall-e-2": 0, "dall-e-3": 0}
"""By model. dall-e-2 edits one image under a mask, dall-e-3 none; what isn't listed takes ``USUAL``."""
USUAL = 16
"""Images that gpt-image-1 takes in one edit (OpenAI's API reference, images/edits, ``image``)."""

REFUSALS = ("moderation_blocked", "content_policy_violation")
"""Error codes by which a server says that its safety system refused."""

UNUSABLE = (KeyError, IndexError, TypeError, AttributeError)
"""What reading an answer of another shape raises."""

_NAME = re.compile(r"(?P<model>[^@]+)(?:@(?P<url>https?://\S+))?")


class OpenAIImages:
    """Draws by an images API: without references by ``images/generations``, with them by ``images/edits``.

    The API takes no seed: a seed in a manifest tells candidates apart, and doesn't make the same pixels again. Nor does
    it take a strength for references; ``reference_scale`` is not used.

    Args:
        name: ``MODEL`` or ``MODEL@URL``.

    Raises:
        UserError: not such a name, or the key is not set.
    """

    revision = "1"
    charges = True
    output_tokens = OUTPUT_TOKENS

    def __init__(self, name: str) -> None:
        found = _NAME.fullmatch(name)
        if found is None:
            raise UserError(f"generator 'openai:{name}' is no name of a model; give openai:MODEL or openai:MODEL@URL")
        self.name = f"openai:{name}"
        self.model: str = found["model"]
        self._base = (found["url"] or os.environ.get("OPENAI_BASE_URL") or BASE_URL).rstrip("/")
        self._key = os.environ.get(SERVER_KEY if found["url"] else KEY) or ""
        if not self._key and not found["url"]:
            raise UserError(f"generator {self.name!r} needs a key; set the variable {KEY}")
        self.max_references = MOST_REFERENCES.get(self.model, USUAL)

    def draw(self, request: DrawRequest, control: DrawControl = UNCONTROLLED) -> list[Drawing]:
        """Draw one image per seed, each by a request of its own; see ``Generator.draw``.

        Raises:
            InvalidArgument: no seeds, too many references, or the server can't be made to answer with an image.
            UserError: the server refuses the key, or doesn't know the model.
        """
        check_request(request, self)
        words = conditioned(plain(request.prompt), request.references, "{concept} (image {number})")
        files = [
            ("image[]", (f"{number}.png", encode_png(on_white(one.image)), "image/png"))
            for number, one in enumerate(request.references, 1)
        ]
        drawings: list[Drawing] = []
        notes: list[str] = []
        for done, seed in enumerate(request.seeds, 1):
            control.check()
            try:
                image, usage = self._one(words, files, control.check)
            except DrawingRefused as error:
                notes.append(str(error))
                continue
            digest = hashlib.sha256(image.tobytes()).hexdigest()[:12]
            facts = {
                "model": self.model,
                "words": words,
                "seed_used": False,
                "usage": usage,
                "answer": digest,
                "notes": notes,
            }
            drawings.append(Drawing(image, seed, facts))
            control.step(done, len(request.seeds))
        if not drawings:
            raise DrawingRefused(notes[-1])
        return drawings

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

    def _one(self, words: str, files: list[Any], check: StopCheck | None) -> tuple[Image.Image, dict[str, int]]:
        fields = {"model": self.model, "prompt": words, "n": 1, "size": SIZE}
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        with httpx.Client(timeout=TIMEOUT, headers=headers, follow_redirects=False) as client:

            def call() -> tuple[Image.Image, dict[str, int]]:
                if files:
                    form = {key: str(value) for key, value in fields.items()}
                    return self._read(answered(client, "POST", f"{self._base}/images/edits", data=form, files=files))
                return self._read(answered(client, "POST", f"{self._base}/images/generations", json=fields))

            try:
                return retry_transient(call, check, client.close)
            except TransientError as failure:
                raise InvalidArgument(f"{self.name!r} drew nothing: {failure}; try again later") from failure

    def _read(self, reply: Reply) -> tuple[Image.Image, dict[str, int]]:
        body = reply.json()
        if reply.status != 200:
            self._refuse(reply.status, body)
        try:
            entry = body["data"][0]
            data = base64.b64decode(entry["b64_json"]) if entry.get("b64_json") else self._fetched(entry["url"])
        except (*UNUSABLE, binascii.Error, OSError, ValueError) as error:
            raise TransientError(f"an answer without a whole image ({type(error).__name__})") from error
        picture = opened(data)
        told = body.get("usage") if isinstance(body.get("usage"), dict) else {}
        usage = {
            name: int(told[f"{name}_tokens"])
            for name in ("input", "output")
            if isinstance(told.get(f"{name}_tokens"), int)
        }
        return picture, usage

    def _refuse(self, status: int, body: Any) -> None:
        error = body.get("error") if isinstance(body, dict) else None
        error = error if isinstance(error, dict) else {}
        said = " ".join(str(error.get("message", "")).replace(self._key or "\0", "***").split())[:200]
        if error.get("code") in REFUSALS:
            raise DrawingRefused(f"the safety system of {self.name!r} refuses this ({said}); other words may pass")
        if status in (401, 403, 404):
            raise UserError(f"{self.name!r} can't be used: the server answered {status} ({said}); check key and model")
        raise InvalidArgument(f"{self.name!r} refuses the request: {status} ({said})")

    def _fetched(self, url: str) -> bytes:
        """Return an image that is given by address: the server's own, or a public one."""
        try:
            asked, own = httpx.URL(str(url)), httpx.URL(self._base)
        except httpx.InvalidURL as error:
            raise ValueError(f"no address: {str(url)[:80]!r}") from error
        if (asked.scheme, asked.host, asked.port) == (own.scheme, own.host, own.port):
            # Without the key: an image needs none, and whoever wrote the address should not get it.
            with httpx.Client(timeout=TIMEOUT, follow_redirects=False) as client:
                return answered(client, "GET", asked).body
        from imagerag.net.safe_fetch import fetch

        return asyncio.run(fetch(str(url)))
