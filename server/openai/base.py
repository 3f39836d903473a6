"""What the endpoints of OpenAI's API share: reading requests, admitting runs, following them, naming images."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import anyio
from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from imagerag.errors import BudgetExceeded, Cancelled, InvalidArgument, UserError
from imagerag.server.api_error import ApiError, refusal
from imagerag.server.job_queue import QueueFull
from imagerag.server.off_loop import reading, taking_in
from imagerag.server.openai.json_body import json_of, shown
from imagerag.server.openai.text_answers import TextAnswers
from imagerag.server.run import Run, RunRequest
from imagerag.server.run_summary import run_out
from imagerag.server.service import Service
from imagerag.store.picture_decoding import is_large

Body = TypeVar("Body", bound=BaseModel)

BEAT = 15.0
"""Seconds of silence after which a stream gets a comment, so that no proxy takes it for dead."""


@dataclass(frozen=True)
class EndpointBase:
    """What every endpoint has.

    Attributes:
        service: the engine.
        may_fetch: whether pictures may be named by public addresses.
        public_url: where clients reach the server, if not under the address that they sent the request to.
    """

    service: Service
    may_fetch: bool = False
    public_url: str | None = None

    @cached_property
    def texts(self) -> TextAnswers:
        """What answers in words."""
        return TextAnswers(self.service)

    async def _check(self, picture: bytes, field: str = "image") -> str:
        """Store a picture if it is one, and return its address in the store; ``field`` is named in errors."""
        try:
            large = await reading(is_large, picture)
            return (await taking_in(self.service.store.put_user_image, picture, large=large)).sha256
        except UserError as error:
            raise refusal(error, "invalid_image", field) from error

    async def _admit(self, client: str, ask: RunRequest) -> Run:
        try:
            return await anyio.to_thread.run_sync(self.service.create, client, ask)
        except QueueFull as busy:
            headers = {"Retry-After": str(busy.retry_after)}
            raise ApiError(429, str(busy), "server_busy", headers=headers) from busy
        except UserError as error:
            raise refusal(error) from error

    async def _see_through(self, request: Request, run: Run) -> None:
        """Wait for the end of a run; stop it when the client hangs up.

        Raises:
            ApiError: it failed.
        """

        async def hung_up() -> None:
            while (await request.receive())["type"] != "http.disconnect":
                pass

        watch = asyncio.create_task(hung_up())
        follow = asyncio.create_task(_drained(run))
        try:
            await asyncio.wait({watch, follow}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not follow.done():
                self.service.cancel(run)
            watch.cancel()
            follow.cancel()
        if not run.wait(0):
            raise ApiError(499, "the client hung up", "cancelled")
        raise_failure(run)

    def _base(self, request: Request) -> str:
        return (self.public_url or str(request.base_url)).rstrip("/")

    def _address(self, request: Request, run: Run) -> Any:
        base = self._base(request)

        def address(record: Mapping[str, Any]) -> str:
            return f"{base}/images/{self.service.enter(run, [record])[record['id']].id}.png"

        return address

    def _record(self, request: Request, run: Run, unused: Sequence[str] = ()) -> dict[str, Any]:
        """Return what our own field of an answer tells of the run; ``unused`` names the fields not heeded."""
        base = self._base(request)
        told = run_out(self.service, run, lambda entry_id: f"{base}/images/{entry_id}.png").model_dump(mode="json")
        return told | {"not_heeded": list(unused)}

    @staticmethod
    def _best_first(run: Run) -> list[Mapping[str, Any]]:
        """Return the images that the run made, the best one first, the others by their scores."""
        if run.output is None or run.output["image"] is None:
            return []
        best = run.output["image"]
        others = [record for record in run.output["images"] if record["id"] != best["id"]]
        return [best, *sorted(others, key=lambda record: -(record["score"] or 0.0))]


def client_of(request: Request) -> str:
    """Return whose a request is, as the guard has found."""
    client: str = request.scope["imagerag.client"]
    return client


async def parsed_body(request: Request, shape: type[Body]) -> Body:
    """Return the request's JSON as that shape.

    Raises:
        ApiError: it is no JSON, or has not that shape.
    """
    body = await request.body()
    return await reading(lambda: validated(shape, json_of(body)))


def validated(shape: type[Body], body: Any) -> Body:
    """Return a body as that shape.

    Raises:
        ApiError: it has not that shape; names the first field that is wrong.
    """
    try:
        return shape.model_validate(body)
    except ValidationError as error:
        errors = error.errors()
        # Where one of several shapes was meant, the one that fits the furthest tells what is wrong.
        beside = [one for one in errors if one["loc"][: len(errors[0]["loc"]) - 1] == errors[0]["loc"][:-1]]
        first = max(beside, key=lambda one: len(one["loc"]))
        where = ".".join(map(str, _place(first["loc"], body, missing=first["type"] == "missing")))
        given = "" if first["type"] == "missing" else f" (given: {shown(first['input'])})"
        raise ApiError(400, f"{where or 'the body'}: {first['msg']}{given}", "invalid_value", where or None) from error


def _place(steps: Sequence[int | str], body: Any, *, missing: bool) -> list[int | str]:
    """Return the steps that lead to a field in what was sent, without the names of shapes that were tried for it."""
    kept: list[int | str] = []
    at = body
    for step in steps:
        there = step in at if isinstance(at, dict) else isinstance(at, list) and step in range(len(at))
        if there:
            at = at[step]
            kept.append(step)
    return [*kept, steps[-1]] if missing and kept[-1:] != [steps[-1]] else kept


async def _drained(run: Run) -> None:
    async for _ in run.follow():
        pass


def raise_failure(run: Run) -> None:
    """Raise what a run ended with.

    Raises:
        ApiError: it failed, or was cancelled before its turn came.
    """
    if run.error is None:
        if run.output is None:
            raise ApiError(400, "cancelled before its turn came", "cancelled")
        return
    text = run.failure or ""
    if isinstance(run.error, UserError | InvalidArgument):
        raise refusal(run.error, logged=True)
    if isinstance(run.error, BudgetExceeded | Cancelled):
        raise ApiError(400, text, "stopped")
    raise ApiError(500, text, "internal_error")


def usage(run: Run) -> dict[str, int]:
    """Return the tokens that the run's models took, as the API counts them."""
    tokens = sum(step["tokens"] for step in run.output["trace"]) if run.output else 0
    return {"prompt_tokens": tokens, "completion_tokens": 0, "total_tokens": tokens}
