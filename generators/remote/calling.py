"""One HTTP call that is patient with servers, and not with runs that have ended."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

import httpx
from PIL import Image, ImageOps

from imagerag.errors import GeneratorUnavailable, InvalidArgument
from imagerag.generators.base import ChargeCallback, StopCheck
from imagerag.generators.remote.server_errors import PASSING, Said, said_in
from imagerag.interruptible import pause, retry_after, run_interruptibly, seconds_left
from imagerag.net.bounded_body import ACCEPTED, BodyRefused, BoundedBody
from imagerag.store.png import on_white

ATTEMPTS = 3
"""Tries of one call, the first included."""
FIRST_WAIT = 1.0
"""Seconds before the second try where the server doesn't say; twice that before the third."""
LONGEST_WAIT = 60.0
"""Seconds of ``Retry-After`` (RFC 9110 section 10.2.3) beyond which a server counts as not answering where no run says
how long there is time."""
AWAY = frozenset({429, 502, 503, 504, 521, 522, 523, 529})
"""Statuses that are about the server and not about what it was asked: busy, down, or not to be reached by its proxy."""
MAX_BODY = 64 * 2**20
"""Bytes of one answer, decompressed: several times what the largest image of these servers takes in base64."""

Answer = TypeVar("Answer")


class TransientError(Exception):
    """A failure that may pass: another try is worth it.

    Attributes:
        wait: seconds that the server asks to wait; ``None`` if it doesn't say.
        away: whether the server can't be reached or is busy, whatever it is asked.
        usage: what the answer tells that it cost all the same; see ``DrawControl.on_charge``.
    """

    def __init__(
        self, why: str, wait: float | None = None, *, away: bool = False, usage: Mapping[str, float] | None = None
    ) -> None:
        super().__init__(why)
        self.wait = wait
        self.away = away
        self.usage = usage or {}

    def ended(self, name: str, advice: str = "try again later") -> InvalidArgument:
        """Return the error of a drawing that no try got through for.

        Args:
            name: of the generator.
            advice: what a person can do.
        """
        kind = GeneratorUnavailable if self.away else InvalidArgument
        return kind(f"{name!r} drew nothing: {self}; {advice}")


def retry_transient(
    call: Callable[[], Answer],
    check: StopCheck | None,
    hang_up: Callable[[], object],
    charge: ChargeCallback | None = None,
) -> Answer:
    """Return what ``call`` returns, called again where it fails in a way that may pass.

    Args:
        call: made in a thread of its own; raises ``TransientError``, or what is final.
        check: asked many times a second; raises when the run has ended.
        hang_up: ends a call that is under way.
        charge: called with what a failure cost.

    Raises:
        TransientError: no try got through.
        Cancelled, BudgetExceeded: as ``check`` raised them; nothing is left running for long.
    """
    check = check or (lambda: None)

    def watch() -> None:
        try:
            check()
        except BaseException:
            hang_up()
            raise

    for attempt in range(1, ATTEMPTS + 1):
        try:
            return run_interruptibly(call, watch)
        except TransientError as failure:
            if failure.usage and charge is not None:
                charge(failure.usage)
            wait = FIRST_WAIT * 2 ** (attempt - 1) if failure.wait is None else failure.wait
            left = seconds_left()
            if attempt == ATTEMPTS:
                raise TransientError(f"{failure}, {attempt} of {ATTEMPTS} tries", away=failure.away) from failure
            if failure.wait is not None and wait > min(left, LONGEST_WAIT if left == math.inf else left):
                lasts = "" if left == math.inf else f", and {left:.0f} s of the run are left"
                why = f"{failure}, and asks to wait {wait:.0f} s{lasts}"
                raise TransientError(why, wait, away=failure.away) from failure
            pause(wait, check)
    raise AssertionError("the loop returns or raises")


class Reply(NamedTuple):
    """What a server answered.

    Attributes:
        status: of HTTP.
        kind: its content type.
        body: the whole of it, decompressed.
        wait: seconds that its head asks to wait before another try; ``None`` if it doesn't say.
        location: where it sends to instead; empty unless it does.
        secret: what its words must not show: the key that was sent, if one was.
    """

    status: int
    kind: str
    body: bytes
    wait: float | None = None
    location: str = ""
    secret: str = ""

    def json(self) -> Any:
        """Return the body as what its JSON says.

        Raises:
            TransientError: it is none.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise TransientError(f"an answer that is no JSON ({_with(self.kind, self.said.words)})") from error

    @property
    def said(self) -> Said:
        """What the body says is wrong, without the secret."""
        return said_in(self.body.replace(self.secret.encode() or b"\0", b"***"))

    @property
    def asked_wait(self) -> float | None:
        """Seconds that the server asks to wait before another try, in its head or in its body."""
        return self.said.wait if self.wait is None else self.wait

    @property
    def in_words(self) -> str:
        """The status, with what the server says of it: ``the server answered 500 (out of memory)``."""
        if self.location:
            location = self.location.replace(self.secret or "\0", "***")
            return f"the server answered {self.status}, which leads to {location[:120]!r}"
        return f"the server answered {self.status}" + (f" ({words})" if (words := self.said.words) else "")

    @property
    def is_fine(self) -> bool:
        """Whether the status is one of success, 2xx."""
        return 200 <= self.status < 300

    def refuse_passing(self) -> None:
        """Let a failure that may pass be tried again.

        Raises:
            TransientError: the status is one of ``PASSING``.
        """
        if self.status in PASSING:
            raise TransientError(self.in_words, self.asked_wait, away=self.status in AWAY)

    def image(self) -> Image.Image:
        """Return the body as an image; see ``opened``."""
        return opened(self.body)


def answered(client: httpx.Client, method: str, address: str | httpx.URL, *, secret: str = "", **sent: Any) -> Reply:
    """Return the answer to a request, whatever its status, read to its end.

    Args:
        secret: what the answer's words must not show.
        sent: what ``httpx.Client.stream`` takes: ``json``, ``data``, ``files``, ``params``.

    Raises:
        TransientError: no answer.
        InvalidArgument: more than ``MAX_BODY`` bytes, or packed more than once.
    """
    host = ""
    try:
        with client.stream(method, address, headers={"accept-encoding": ACCEPTED}, **sent) as response:
            host = response.url.host
            # A transport may hand over an answer that it has read, and unpacked, already.
            read = response.is_stream_consumed
            body = BoundedBody("" if read else response.headers.get("content-encoding", ""), MAX_BODY)
            for piece in [response.content] if read else response.iter_raw():
                body.add(piece)
    except BodyRefused as error:
        raise InvalidArgument(f"the answer of {host} can't be taken: {error}; no image is that large") from error
    except httpx.HTTPError as error:
        raise TransientError(f"no answer ({type(error).__name__})", away=True) from error
    headers = response.headers
    kind, wait = headers.get("content-type", "no content type"), retry_after(headers.get("retry-after"))
    location = headers.get("location", "") if 300 <= response.status_code < 400 else ""
    return Reply(response.status_code, kind, bytes(body.data), wait, location, secret)


def _with(kind: str, words: str) -> str:
    return f"{kind}: {words}" if words else kind


def opened(data: bytes) -> Image.Image:
    """Return a server's image as RGB, upright, its transparent parts white; of an animation the first frame.

    Raises:
        TransientError: the bytes are no image, or not a whole one.
    """
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP", "AVIF", "GIF")) as image:
            image.load()
            return on_white(ImageOps.exif_transpose(image)).convert("RGB")
    except Exception as error:  # decoders raise whatever they like on damaged files
        raise TransientError(f"an answer without a whole image ({type(error).__name__})") from error
