"""Images APIs that answer with a job: it is submitted, asked for until it is done, and called off where the run ends.

The makers' own packages for Python are not used: each has waits and retries of its own that know nothing of a run's
time and of its cancel switch, reads answers without a bound, and brings more libraries (``fal-client`` four,
``together`` nine); what is needed of each protocol are three requests.
"""

from __future__ import annotations

import threading
import time
from abc import abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar, NamedTuple, NoReturn, TypeVar
from urllib.parse import quote

from PIL import Image

from imagerag.errors import DrawingRefused, InvalidArgument, UserError
from imagerag.generators.base import DrawControl, StopCheck
from imagerag.generators.remote.calling import Reply, TransientError, answered, opened, retry_transient
from imagerag.generators.remote.images_api import TIMEOUT, ImagesApi, Order
from imagerag.generators.remote.one_by_one import Drawn
from imagerag.generators.remote.server_errors import Said, said_by
from imagerag.interruptible import pause, run_bounded
from imagerag.store.data_urls import decoded, is_data_url

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 3.0
"""Seconds between two questions for a job: half as many again each time, up to the longest."""
LONGEST_JOB = 600.0
"""Seconds after which a job counts as one that never ends, where no run ends before."""
GRACE = 2.0
"""Seconds that a run which has ended waits for the answer to a submission, so that its job can be called off, and for
the server to take in that it is."""
NOT_FOUND = 404
"""What a job that was taken in a moment ago may be answered with: not every machine of a server knows it yet."""
MEGAPIXEL = 2**20
"""Pixels; what the makers that charge by the megapixel count as one."""

MOST_MONEY = 1e6
"""Credits that one image may be said to cost; a larger number means something else."""

Answer = TypeVar("Answer")


class Job(NamedTuple):
    """A job that a server has taken in.

    Attributes:
        status: the address that tells how far it is.
        result: the address of what it made; empty where the status has it.
        cancel: method and address that call it off; ``None`` where its API has no such thing.
        usage: what the server says that it costs.
    """

    status: str
    result: str = ""
    cancel: tuple[str, str] | None = None
    usage: Mapping[str, float] = {}


def poll(ask: Callable[[], Answer | None], check: StopCheck | None, hang_up: Callable[[], object]) -> Answer:
    """Return what ``ask`` returns once that isn't ``None``.

    Args:
        ask: one question; see ``retry_transient``.
        check: of the run.
        hang_up: ends a question that is under way.

    Raises:
        TransientError: it never ends, or can't be asked any more.
    """
    until, wait = time.monotonic() + LONGEST_JOB, FIRST_PAUSE
    while (answer := retry_transient(ask, check, hang_up)) is None:
        if time.monotonic() > until:
            raise TransientError(f"a job that is not done after {LONGEST_JOB:.0f} s")
        pause(wait, check or (lambda: None))
        wait = min(1.5 * wait, LONGEST_PAUSE)
    return answer


class JobsApi(ImagesApi):
    """A generator behind an images API that answers with a job."""

    most_pixels = MEGAPIXEL
    calls_off: ClassVar[bool] = True
    """Whether its API has a way to call a job off."""

    @abstractmethod
    def _submission(self, order: Order, seed: int) -> tuple[str, dict[str, Any]]:
        """Return the path below the API's address that takes a job, and the JSON that is sent there."""

    @abstractmethod
    def _job(self, body: Mapping[str, Any]) -> Job:
        """Return the job of an answer to a submission; its errors of look-up are answers without one."""

    @abstractmethod
    def _is_done(self, body: Mapping[str, Any]) -> bool:
        """Tell whether a status says that the job is done.

        Raises:
            DrawingRefused, UserError, InvalidArgument: it failed; see ``_failed``.
        """

    @abstractmethod
    def _image_of(self, body: Mapping[str, Any]) -> str:
        """Return the address of the image in a result, or the image as a ``data:`` URL; see ``_job``."""

    def _one(self, order: Order, seed: int, control: DrawControl) -> Drawn:
        path, fields = self._submission(order, seed)
        job = self._submitted(self._base + path, fields, control.check)
        try:
            body = self._awaited(job, control.check)
        except (DrawingRefused, InvalidArgument):
            raise  # it is over
        except BaseException:
            self._call_off(job)
            raise
        usage = {**job.usage, **self._usage(body)}
        try:
            image = self._read(body)
        except InvalidArgument as error:
            if not isinstance(error, DrawingRefused):  # for what is refused, no maker says what it costs
                control.charge(usage)
            raise
        return (self._fetched(image, control, usage) if isinstance(image, str) else image), usage

    def _usage(self, body: Mapping[str, Any]) -> Mapping[str, float]:
        """Return what a result tells that it cost."""
        return {}

    def _submitted(self, address: str, fields: Mapping[str, Any], check: StopCheck | None) -> Job:
        """Submit a job. One that is taken in when the run has just ended is called off."""
        made: list[Job] = []
        ended, finished, late = threading.Event(), threading.Event(), threading.Event()

        def submit() -> Job:
            finished.clear()
            try:
                with self._client(TIMEOUT) as client:
                    reply = answered(client, "POST", address, secret=self._key, json=fields)
                made.append(job := self._accepted(reply))
            finally:
                finished.set()
            if late.is_set():
                self._call_off(job)
            return job

        try:
            return retry_transient(submit, check, ended.set)
        except TransientError as failure:
            raise failure.ended(self.name) from failure
        finally:
            if ended.is_set() and self.calls_off:
                if not finished.wait(GRACE):
                    late.set()
                for job in made:
                    self._call_off(job)

    def _accepted(self, reply: Reply) -> Job:
        body = self._body(reply)
        try:
            job = self._job(body)
        except (AttributeError, KeyError, TypeError) as error:
            if said_by(body).words:
                self._failed(said_by(body))
            raise TransientError("an answer without a job") from error
        cancel = job.cancel and (job.cancel[0], self._trusted(job.cancel[1]))
        result = job.result and self._trusted(job.result)
        return job._replace(status=self._trusted(job.status), result=result, cancel=cancel)

    def _awaited(self, job: Job, check: StopCheck | None) -> Mapping[str, Any]:
        """Return the answer that has the image."""
        with self._client(TIMEOUT) as client:
            get = partial(answered, client, "GET", secret=self._key)

            def ask() -> Mapping[str, Any] | None:
                reply = get(job.status)
                if reply.status == NOT_FOUND:
                    raise TransientError(reply.in_words)
                body = self._body(reply)
                return body if self._is_done(body) else None

            try:
                body = poll(ask, check, client.close)
                if job.result:
                    body = retry_transient(lambda: self._body(get(job.result)), check, client.close)
                return body
            except TransientError as failure:
                self._call_off(job)
                raise failure.ended(self.name) from failure

    def _body(self, reply: Reply) -> Mapping[str, Any]:
        if not reply.is_fine:
            self._refuse(reply)
        body = reply.json()
        if not isinstance(body, dict):
            raise TransientError("an answer that is no object of JSON")
        return body

    def _read(self, body: Mapping[str, Any]) -> Image.Image | str:
        """Return the image of a result, or its address."""
        said = said_by(body)
        if said.is_refusal:
            self._failed(said)
        try:
            image = self._image_of(body)
            return opened(decoded(image)) if is_data_url(image) else str(image)
        except (KeyError, IndexError, TypeError, ValueError, TransientError) as error:
            raise InvalidArgument(f"{self.name!r} drew nothing: a job that is done, without an image") from error

    def _failed(self, said: Said, state: str = "failed") -> NoReturn:
        """Raise what a job that failed says."""
        why = said.words or state
        meaning = said.meaning(200)
        if meaning == "refused":
            raise DrawingRefused(f"the safety system of {self.name!r} refuses this ({why}); other words may pass")
        if meaning == "unpaid":
            raise UserError(f"{self.name!r} can't be paid for: {why}; add credit, or raise the limit, at its provider")
        raise InvalidArgument(f"{self.name!r} drew nothing: its job failed ({why}); try again later")

    def _call_off(self, job: Job) -> None:
        """Tell the server that nobody waits for a job any more; what it answers changes nothing."""
        if job.cancel is None:
            return
        method, address = job.cancel

        def call() -> None:
            with self._client(GRACE) as client:
                answered(client, method, address, secret=self._key)

        with suppress(TransientError, InvalidArgument, TimeoutError):
            run_bounded(call, GRACE, of_run=False)


def path_of(model: str) -> str:
    """Return a model's name as part of an address; slashes stay."""
    return quote(model, safe="/")


def amount(value: Any) -> float | None:
    """Return a number of JSON that can be an amount of credits; ``None`` for anything else."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value <= MOST_MONEY else None
