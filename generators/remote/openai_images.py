"""OpenAI's images API, and servers that speak it: ``openai:MODEL`` and ``openai:MODEL@https://HOST/v1``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar, NamedTuple, NoReturn

import httpx
from PIL import Image

from imagerag.errors import UserError
from imagerag.generators.base import DrawControl, StopCheck
from imagerag.generators.remote.calling import Reply, TransientError, answered, opened, retry_transient
from imagerag.generators.remote.image_answers import first_image
from imagerag.generators.remote.images_api import TIMEOUT, ImagesApi, Order
from imagerag.generators.remote.job_polling import poll
from imagerag.generators.remote.jobs import ACCEPTED, job_address, job_in
from imagerag.generators.remote.one_by_one import Drawn
from imagerag.generators.remote.server_errors import has_error, is_withheld, said_by
from imagerag.generators.sizing import Canvas, nearest_canvas
from imagerag.picture_size import PictureSize

SIZES: Mapping[str, tuple[Canvas, ...]] = {
    "dall-e-2": ((1024, 1024), (512, 512), (256, 256)),
    "dall-e-3": ((1024, 1024), (1792, 1024), (1024, 1792)),
}
"""Width and height in pixels by model (OpenAI's API reference, images/generations, ``size``); the first is the usual
one. What isn't listed draws at ``USUAL_SIZES``."""
USUAL_SIZES: tuple[Canvas, ...] = ((1024, 1024), (1536, 1024), (1024, 1536))

GENERATIONS, EDITS = "/images/generations", "/images/edits"
"""Paths below the API's address."""


class JobAt(NamedTuple):
    """Where a server is asked for the job that it answered with; how it would be called off it doesn't say."""

    address: str


class OpenAIImages(ImagesApi):
    """Draws by an images API: without references by ``images/generations``, with them by ``images/edits``.

    The API takes no seed: a seed in a manifest tells candidates apart, and doesn't make the same pixels again. Nor does
    it take a strength for references; ``reference_scale`` is not used.

    Args:
        name: ``MODEL`` or ``MODEL@URL``.

    Raises:
        UserError: not such a name, or the key is not set.
    """

    prefix = "openai"
    sizes: ClassVar[tuple[Canvas, ...]] = USUAL_SIZES
    """That a model draws at which isn't listed in ``SIZES``; the first is the usual one."""
    probe = "/models/{model}"

    def __init__(self, name: str) -> None:
        super().__init__(name, os.environ.get("OPENAI_BASE_URL", "") if self.prefix == "openai" else "")

    @property
    def redraws_parts(self) -> bool:
        """Whether the API takes a mask for the model (OpenAI's API reference, images/edits)."""
        return self.prefix == "openai" and self.model != "dall-e-3"

    def _size(self, wanted: PictureSize | None) -> str:
        """Return the size to ask for, as the API writes it."""
        sizes = SIZES.get(self.model, self.sizes)
        width, height = sizes[0] if wanted is None else nearest_canvas(wanted, sizes, sizes[0])
        return f"{width}x{height}"

    def _asked(self, order: Order, seed: int) -> tuple[str, dict[str, Any]]:
        """Return the path below the API's address, and what is sent there."""
        fields = {"model": self.model, "prompt": order.words, "n": 1, "size": self._size(order.size)}
        images = [*order.redraw[:1], *order.files] if order.redraw else order.files
        if not images:
            return GENERATIONS, {"json": fields}
        files = [("image[]", (f"{n}.png", file, "image/png")) for n, file in enumerate(images, 1)]
        if order.redraw:
            files.append(("mask", ("mask.png", order.redraw[1], "image/png")))
        return EDITS, {"data": {key: str(value) for key, value in fields.items()}, "files": files}

    def _one(self, order: Order, seed: int, control: DrawControl) -> Drawn:
        path, sent = self._asked(order, seed)
        with self._client(TIMEOUT) as client:
            ask = partial(answered, client, "POST", self._base + path, secret=self._key, **sent)
            try:
                drawn, usage = retry_transient(
                    lambda: self._read(ask(), path), control.check, client.close, control.charge
                )
                if isinstance(drawn, JobAt):
                    drawn, usage = self._waited_for(drawn, client, path, control.check)
            except TransientError as failure:
                raise failure.ended(self.name) from failure
        if isinstance(drawn, str):
            drawn = self._fetched(drawn, control, usage)
        return drawn, usage

    def _waited_for(
        self, job: JobAt, client: httpx.Client, path: str, check: StopCheck | None
    ) -> tuple[Image.Image | str, Mapping[str, float]]:
        """Return the image that a job makes, or its address, and what it cost."""

        def ask() -> tuple[Image.Image | str, Mapping[str, float]] | None:
            drawn, usage = self._read(answered(client, "GET", job.address, secret=self._key), path, job)
            return None if isinstance(drawn, JobAt) else (drawn, usage)

        return poll(ask, check, client.close)

    def _read(
        self, reply: Reply, path: str, waited_for: JobAt | None = None
    ) -> tuple[Image.Image | str | JobAt, Mapping[str, float]]:
        """Return the image of an answer, its address or that of its job, and what the answer tells that it cost.

        Args:
            reply: the answer.
            path: that was asked at first.
            waited_for: the job that was asked for now, if one was.
        """
        if not reply.is_fine:
            self._refused(reply, path)
        if reply.kind.startswith("image/"):
            return reply.image(), {}
        body = None if reply.status == ACCEPTED and not reply.body.strip() else reply.json()
        if not reply.said.is_refusal and (job := job_in(reply.status, body)):
            with suppress(UserError):  # elsewhere nothing is asked
                waited_for = waited_for or JobAt(self._trusted(job_address(body)))
            if waited_for is not None:
                return waited_for, {}
            raise UserError(
                f"{self.name!r} answers with a job in place of an image ({job}), and no address of its own to ask for "
                "it; give its address that waits for the image, or a gateway that does, such as LiteLLM"
            )
        try:
            found = first_image(body)
        except ValueError as error:
            if has_error(body):
                self._refused(reply, path)
            raise TransientError(f"an answer without a whole image ({error})", usage=self._usage(body)) from error
        if (
            found is None
            or not (found.data or found.address)
            or said_by({"finish_reason": found.entry.get("finish_reason")}).is_refusal
            or any(is_withheld(each) for each in (body, found.entry) if isinstance(each, Mapping))
        ):
            if has_error(body) or reply.said.is_refusal:
                self._refused(reply, path)
            told = " ".join(f"an answer without an image {reply.said.words}".split())
            raise TransientError(told, usage=self._usage(body))
        try:
            return (opened(found.data) if found.data else found.address), self._usage(body)
        except TransientError as failure:
            if has_error(body):  # words, too, can be read as base64
                self._refused(reply, path)
            failure.usage = self._usage(body)
            raise

    def _refused(self, reply: Reply, path: str) -> NoReturn:
        edits = path != GENERATIONS
        instead = ", or draw without references: --mode no_lookup" if edits else ""
        self._refuse(reply, what=f" to {path}" if edits else "", instead=instead)

    def _usage(self, body: Any) -> Mapping[str, float]:
        """Return what an answer tells that it cost."""
        told = body.get("usage") if isinstance(body, dict) else None
        if not isinstance(told, dict):
            return {}
        counts = {name: told.get(f"{name}_tokens") for name in ("input", "output")}
        return {name: count for name, count in counts.items() if isinstance(count, int)}
