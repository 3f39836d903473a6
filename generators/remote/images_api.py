"""What generators behind an images API share: a name with a model and an address, a key, and how they refuse."""

from __future__ import annotations

import os
import re
from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar, NamedTuple, NoReturn

import httpx
from PIL import Image

from imagerag.credentials import without_credentials
from imagerag.errors import DrawingRefused, InvalidArgument, UserError
from imagerag.generators.base import (
    UNCONTROLLED,
    DrawControl,
    Drawing,
    DrawRequest,
    Redraw,
    Reuse,
    check_request,
)
from imagerag.generators.diffusion.words import conditioned, plain
from imagerag.generators.remote.calling import AWAY, Reply, TransientError, retry_transient
from imagerag.generators.remote.image_addresses import fetched_image, own_addresses
from imagerag.generators.remote.one_by_one import Drawn, draw_one_by_one
from imagerag.generators.remote.server_errors import Meaning
from imagerag.net.server_keys import server_key
from imagerag.picture_size import PictureSize
from imagerag.remote_models import after_its_end, providers, remote_model
from imagerag.store.png import encode_png, on_white

TIMEOUT = 300.0
"""Seconds; the slowest models take two minutes for one image."""

_NAME = re.compile(r"(?P<model>[^@]+)(?:@(?P<url>https?://\S+))?")


class Order(NamedTuple):
    """What a server is asked to draw, of all seeds alike.

    Attributes:
        words: the prompt, references called by number.
        files: the references, as PNG files.
        scale: 0..1, how strongly they count.
        size: what is asked for, or its ratio; ``None`` for the model's own.
        negative: what the picture must not show.
        redraw: the image of which a part is drawn anew, and its mask, transparent there, as PNG files of one size.
    """

    words: str
    files: tuple[bytes, ...]
    scale: float
    size: PictureSize | None = None
    negative: str = ""
    redraw: tuple[bytes, bytes] | None = None


class ImagesApi:
    """A generator ``PREFIX:MODEL`` or ``PREFIX:MODEL@URL``; ``imagerag/remote_models.toml`` has its provider.

    Args:
        name: ``MODEL`` or ``MODEL@URL``.
        base_url: the API's address unless the name has one; the provider's unless given.

    Raises:
        UserError: not such a name, or no key is set.
    """

    prefix: ClassVar[str]
    """Of its name."""
    most_pixels: ClassVar[int | None] = None
    """Of a reference, which is scaled down to that; ``None`` for any."""
    key_header: ClassVar[tuple[str, str]] = ("Authorization", "Bearer {key}")
    """How the key is sent."""
    revision = "1"
    charges = True
    reuses: ClassVar[Reuse] = "references"
    """These models edit the images that they are given."""
    probe: ClassVar[str] = ""
    """A path below the API's address that draws nothing and takes the key, with ``{model}``; empty where none is."""
    probe_knows_models: ClassVar[bool] = True
    """Whether it answers with 404 where there is no such model."""

    def __init__(self, name: str, base_url: str = "") -> None:
        found = _NAME.fullmatch(name)
        if found is None:
            raise UserError(
                f"generator '{self.prefix}:{name}' is no name of a model; give {self.prefix}:MODEL or "
                f"{self.prefix}:MODEL@URL"
            )
        provider = self._provider = providers()[self.prefix]
        self.name = without_credentials(f"{self.prefix}:{name}")
        self.model: str = found["model"]
        self._known = remote_model(f"{self.prefix}:{self.model}") or provider.usual
        self.max_references = self._known.references or 0
        self.output_tokens = self._known.tokens
        self._base = (found["url"] or base_url or provider.url).rstrip("/")
        if found["url"]:
            self._key = server_key(found["url"])
        else:
            self._key = next((os.environ[each] for each in provider.keys if os.environ.get(each)), "")
        if not self._key and not found["url"]:
            said = f"generator {self.name!r} needs a key; set the variable {provider.keys[0]}"
            raise UserError(after_its_end(self.name, said))

    def draw(self, request: DrawRequest, control: DrawControl = UNCONTROLLED) -> list[Drawing]:
        """Draw one image per seed, each by a request of its own; see ``Generator.draw``.

        Raises:
            DrawingRefused: the server's safety system refuses all of them.
            InvalidArgument: no seeds, too many references, or the server can't be made to answer with an image.
            UserError: only the person can help: the key, the model, the address, or what is left of the credit.
        """
        check_request(request, self)
        form = "{concept} (image {number})" if request.redraw is None else "{concept} (image {number} after the first)"
        words = conditioned(plain(request.prompt), request.references, form)
        files = tuple(encode_png(self._fitted(on_white(one.image))) for one in request.references)
        redraw = None if request.redraw is None else _as_files(request.redraw)
        order = Order(words, files, request.reference_scale, request.size, request.negative, redraw)
        facts = {"model": self.model, "words": words, "seed_used": self._known.seed}
        return draw_one_by_one(request, control, lambda seed: self._one(order, seed, control), facts)

    def asked_for_model(self, timeout: float) -> int:
        """Ask the server for the model, or where it can't tell for the account, and return the HTTP status.

        Draws nothing, and costs nothing.

        Args:
            timeout: seconds.

        Raises:
            httpx.HTTPError: no answer.
        """
        with self._client(timeout) as client:
            return client.get(self._base + self.probe.format(model=self.model.partition(":")[0])).status_code

    @abstractmethod
    def _one(self, order: Order, seed: int, control: DrawControl) -> Drawn:
        """Draw one image."""

    def _client(self, timeout: float, headers: Mapping[str, str] | None = None) -> httpx.Client:
        name, value = self.key_header
        key = {name: value.format(key=self._key)} if self._key else {}
        return httpx.Client(timeout=timeout, headers={**(headers or {}), **key}, follow_redirects=False)

    def _fitted(self, image: Image.Image) -> Image.Image:
        pixels = image.width * image.height
        if self.most_pixels is None or pixels <= self.most_pixels:
            return image
        scale = (self.most_pixels / pixels) ** 0.5
        size = max(int(image.width * scale), 1), max(int(image.height * scale), 1)
        return image.resize(size, Image.Resampling.LANCZOS)

    def _trusted(self, address: str) -> str:
        """Return an address of the job at the server itself, which gets the key.

        Raises:
            UserError: it is somebody else's.
        """
        try:
            own = own_addresses(address, self._base, self._base + "/")
            url = httpx.URL(address)
        except (httpx.InvalidURL, ValueError) as error:
            raise UserError(f"{self.name!r} names its job by {address[:80]!r}, which is no address") from error
        if own and address:
            return str(own[0])
        if self._base == self._provider.url and url.scheme == "https" and not url.userinfo and self._is_below(url.host):
            return address
        raise UserError(
            f"{self.name!r} wants its job to be asked for at {url.host!r}, which is another server and gets no key; "
            "check the address behind @"
        )

    def _is_below(self, host: str) -> bool:
        domain = self._provider.domain
        return bool(domain) and (host == domain or host.endswith("." + domain))

    def _fetched(self, address: str, control: DrawControl, usage: Mapping[str, float]) -> Image.Image:
        """Return an image that is given by address; another try asks for it again, and draws nothing.

        Args:
            address: of the image.
            control: of the run.
            usage: what the image cost, also where it can't be fetched.
        """
        try:
            return retry_transient(lambda: fetched_image(address, self._base, TIMEOUT), control.check, lambda: None)
        except (TransientError, UserError) as failure:
            control.charge(usage)
            raise UserError(
                f"{self.name!r} drew an image that can't be fetched: {failure}; let the server answer with the image "
                "itself (b64_json), or with an address that is open to all or its own"
            ) from failure

    def _refuse(self, reply: Reply, meaning: Meaning | None = None, *, what: str = "", instead: str = "") -> NoReturn:
        """Raise what an answer means that says what is wrong.

        Args:
            reply: the answer.
            meaning: where it is known better than by its words and status.
            what: was asked for, in words for the message.
            instead: another way out, where only the person can help.
        """
        said, told = reply.said, reply.in_words + what
        meaning = meaning or said.meaning(reply.status)
        if meaning == "refused":
            raise DrawingRefused(
                f"the safety system of {self.name!r} refuses this ({said.words}); other words may pass"
            )
        if meaning == "unpaid":
            raise UserError(f"{self.name!r} can't be paid for: {told}; add credit, or raise the limit, at its provider")
        if meaning == "passing":
            raise TransientError(told, reply.asked_wait, away=reply.status in AWAY)
        if meaning == "unusable":
            way_out = "give that address" if reply.location else "check key and model"
            raise UserError(f"{self.name!r} can't be used: {told}; {way_out}{instead}")
        raise InvalidArgument(f"{self.name!r} refuses the request: {reply.status} ({said.words})")


def _as_files(redraw: Redraw) -> tuple[bytes, bytes]:
    """Return the image and the mask as an API takes them: transparent where is drawn anew."""
    mask = redraw.image.convert("RGBA")
    mask.putalpha(redraw.mask.point(lambda value: 255 - value))
    return encode_png(redraw.image.convert("RGB")), encode_png(mask)
