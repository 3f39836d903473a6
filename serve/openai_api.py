"""The HTTP door: as much of OpenAI's API as clients need to draw, talk about drawings, and send pictures."""

import asyncio
import base64
import json
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import anyio
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from imagerag.errors import BudgetExceeded, Cancelled, InvalidArgument, UserError
from imagerag.graphs.state import Limits
from imagerag.records import Mode
from imagerag.serve.incoming import MAX_PICTURES, OWN_ADDRESS, picture_at, uploaded
from imagerag.serve.ledger import Entry
from imagerag.serve.openai_shapes import (
    MODELS,
    ApiError,
    ChatRequest,
    FilePart,
    ImagePart,
    ImageRequest,
    Message,
    Settings,
    TextPart,
    chunk_object,
    mode_of,
    model_object,
)
from imagerag.serve.outcome import error_text, run_out
from imagerag.serve.room import Busy
from imagerag.serve.runs import Ask, Run
from imagerag.serve.studio import Studio
from imagerag.serve.wording import ending, told

MAX_PART = 20 * 2**20
"""Bytes of one uploaded picture."""
BEAT = 15.0
"""Seconds of silence after which a stream gets a comment, so that no proxy takes it for dead."""


Body = TypeVar("Body", bound=BaseModel)


@dataclass(frozen=True)
class OpenAIDoor:
    """The endpoints over a studio.

    Attributes:
        may_fetch: whether pictures may be named by public addresses.
        public_url: where clients reach the server, if not under the address that they sent the request to.
    """

    studio: Studio
    may_fetch: bool = False
    public_url: str | None = None

    def routes(self) -> list[Route]:
        """Return the routes of the application."""
        return [
            Route("/health", self.health),
            Route("/v1/models", self.models),
            Route("/v1/models/{name}", self.model),
            Route("/v1/chat/completions", self.chat, methods=["POST"]),
            Route("/v1/images/generations", self.generations, methods=["POST"]),
            Route("/v1/images/edits", self.edits, methods=["POST"]),
            Route("/v1/files", self.files, methods=["GET", "POST"]),
            Route("/v1/files/{file_id}", self.file, methods=["GET", "DELETE"]),
            Route("/v1/files/{file_id}/content", self.content),
            Route("/images/{image}", self.image),
        ]

    async def health(self, request: Request) -> Response:
        """Say that the server is up, and how long the queue is."""
        return JSONResponse({"status": "ok", "waiting": self.studio.room.waiting()})

    async def models(self, request: Request) -> Response:
        """List the models."""
        return JSONResponse({"object": "list", "data": [model_object(name) for name in MODELS]})

    async def model(self, request: Request) -> Response:
        """Tell of one model."""
        name = request.path_params["name"]
        mode_of(name)
        return JSONResponse(model_object(name))

    async def chat(self, request: Request) -> Response:
        """Answer the last message of a conversation with a picture; streamed, every step as it happens."""
        body = await parsed_body(request, ChatRequest)
        client = client_of(request)
        ask = await self._asked(request, body, client)
        run = self._admit(client, ask)
        completion = f"chatcmpl-{secrets.token_hex(12)}"
        if body.stream:
            events = self._stream(request, run, body, completion)
            return StreamingResponse(events, media_type="text/event-stream", headers={"cache-control": "no-store"})
        await self._see_through(request, run)
        text = "".join([*(told(event, self._address(request, run)) for event in run.events), self._last(request, run)])
        answer = {
            "id": completion,
            "object": "chat.completion",
            "created": int(time.time()),
            "model": body.model,
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": text, "refusal": None},
                    "finish_reason": "stop",
                    "logprobs": None,
                }
            ],
            "usage": _usage(run),
            "imagerag": self._record(request, run),
        }
        return JSONResponse(answer)

    async def generations(self, request: Request) -> Response:
        """Draw pictures."""
        body = await parsed_body(request, ImageRequest)
        return await self._draw(request, body, ())

    async def edits(self, request: Request) -> Response:
        """Draw with pictures of the client's own."""
        try:
            form = await request.form(max_files=MAX_PICTURES, max_part_size=2**20)
        except Exception as error:
            if getattr(error, "status_code", 400) != 400:
                raise
            raise ApiError(400, f"the form can't be read: {error}", "invalid_form") from error
        if form.get("mask"):
            raise ApiError(400, "a mask is not supported; say in words what to change", "unsupported", "mask")
        pictures: list[bytes] = []
        for name, value in form.multi_items():
            if name in ("image", "image[]") and isinstance(value, UploadFile):
                pictures.append(await _read_upload(value))
        if not pictures:
            raise ApiError(400, "there is no image; send one as a file named 'image'", "missing_image", "image")
        fields: dict[str, Any] = {name: value for name, value in form.items() if isinstance(value, str)}
        if "imagerag" in fields:
            fields["imagerag"] = _json(fields["imagerag"].encode())
        body = _validated(ImageRequest, fields)
        for picture in pictures:
            await self._check(picture)
        return await self._draw(request, body, tuple(pictures))

    async def files(self, request: Request) -> Response:
        """List a client's images, or take in one."""
        client = client_of(request)
        if request.method == "GET":
            entries = await anyio.to_thread.run_sync(self.studio.ledger.latest, client)
            data = [await self._file_object(entry) for entry in entries]
            return JSONResponse({"object": "list", "data": data, "has_more": False})
        form = await request.form(max_files=1, max_part_size=2**20)
        upload = form.get("file")
        if not isinstance(upload, UploadFile):
            raise ApiError(400, "there is no file; send one named 'file'", "missing_file", "file")
        stored = await self._check(await _read_upload(upload))
        name = (upload.filename or "image").replace("\\", "/").rpartition("/")[2][:100]
        return JSONResponse(await self._file_object(self.studio.ledger.upload(client, name, stored)))

    async def file(self, request: Request) -> Response:
        """Tell of one file, or delete it."""
        entry = uploaded(self.studio, client_of(request), request.path_params["file_id"])
        if request.method == "DELETE":
            self.studio.ledger.forget(entry.id, entry.client)
            return JSONResponse({"id": f"file-{entry.id}", "object": "file", "deleted": True})
        return JSONResponse(await self._file_object(entry))

    async def content(self, request: Request) -> Response:
        """Send a file of the client's own."""
        entry = uploaded(self.studio, client_of(request), request.path_params["file_id"])
        return await self._png(entry)

    async def image(self, request: Request) -> Response:
        """Send an image to whoever knows its address."""
        entry = self.studio.ledger.find(request.path_params["image"].removesuffix(".png"))
        if entry is None:
            raise ApiError(404, "there is no such image", "not_found")
        return await self._png(entry)

    async def _png(self, entry: Entry) -> Response:
        data = await anyio.to_thread.run_sync(self.studio.file, entry)
        headers = {
            "cache-control": "private, max-age=31536000, immutable",
            "content-disposition": f'inline; filename="{entry.kind}-{entry.id[:8]}.png"',
            "x-content-type-options": "nosniff",
        }
        return Response(data, media_type="image/png", headers=headers)

    async def _check(self, picture: bytes) -> str:
        """Store a picture if it is one, and return its address in the store."""
        try:
            return (await anyio.to_thread.run_sync(self.studio.store.put_user_image, picture)).sha256
        except UserError as error:
            raise ApiError(400, str(error), "invalid_image", "image") from error

    async def _asked(self, request: Request, body: ChatRequest, client: str) -> Ask:
        """Turn a conversation into a request: on the thread that its last image belongs to, or else a new one."""
        asked = [number for number, message in enumerate(body.messages) if message.role == "user"]
        if not asked:
            raise ApiError(400, "no message of role 'user' says what to draw", "missing_prompt", "messages")
        last = body.messages[asked[-1]]
        prompt, pictures = await self._contents(request, last, client)
        for picture in pictures:
            await self._check(picture)
        base = None if body.imagerag.thread else self._continued(body.messages[: asked[-1]], client)
        earlier = () if base or body.imagerag.thread else tuple(_words(body.messages[number]) for number in asked[:-1])
        return Ask(
            prompt,
            pictures=tuple(pictures),
            earlier=tuple(text for text in earlier if text.strip()),
            thread=base.thread if base else body.imagerag.thread,
            checkpoint=base.checkpoint if base else None,
            seed=body.seed,
            n=body.imagerag.n,
            mode=body.imagerag.mode or mode_of(body.model),
            limits=_limits(body.imagerag),
        )

    def _continued(self, messages: list[Message], client: str) -> Entry | None:
        """Return the last image of ours in what was said before: its thread is gone on with, or branched from there."""
        for message in reversed(messages):
            if message.role == "assistant":
                for found in reversed(OWN_ADDRESS.findall(_words(message))):
                    entry = self.studio.ledger.find(found, client)
                    if entry is not None and entry.thread and entry.checkpoint:
                        return entry
        return None

    async def _contents(self, request: Request, message: Message, client: str) -> tuple[str, list[bytes]]:
        parts = message.content if isinstance(message.content, list) else []
        pictures: list[bytes] = []
        for part in parts:
            if isinstance(part, ImagePart):
                hosts = frozenset({request.url.netloc.lower(), urlsplit(self.public_url or "").netloc.lower()} - {""})
                url = part.image_url.url
                pictures.append(await picture_at(self.studio, client, url, hosts, may_fetch=self.may_fetch))
            elif isinstance(part, FilePart):
                entry = uploaded(self.studio, client, part.file.file_id)
                pictures.append(await anyio.to_thread.run_sync(self.studio.file, entry))
        if len(pictures) > MAX_PICTURES:
            raise ApiError(400, f"{len(pictures)} images are more than {MAX_PICTURES}", "too_many_images", "messages")
        return _words(message), pictures

    def _admit(self, client: str, ask: Ask) -> Run:
        try:
            return self.studio.create(client, ask)
        except Busy as busy:
            headers = {"Retry-After": str(busy.retry_after)}
            raise ApiError(429, str(busy), "server_busy", headers=headers) from busy
        except UserError as error:
            raise ApiError(400, str(error), "invalid_value") from error

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
                self.studio.cancel(run)
            watch.cancel()
            follow.cancel()
        if not run.wait(0):
            raise ApiError(499, "the client hung up", "cancelled")
        _raise_failure(run)

    async def _stream(self, request: Request, run: Run, body: ChatRequest, completion: str) -> AsyncIterator[str]:
        """Yield server-sent events: every step as it happens, and comments in between."""
        address = self._address(request, run)

        def piece(delta: dict[str, Any], finish: str | None = None) -> str:
            return f"data: {json.dumps(chunk_object(completion, body.model, delta, finish))}\n\n"

        try:
            yield piece({"role": "assistant", "content": ""})
            if ahead := self.studio.position(run):
                yield piece({"content": f"{ahead} requests come first\n\n"})
            async for event in run.follow(BEAT):
                if event is None:
                    yield f": waiting, {self.studio.position(run)} come first\n\n"
                elif event["event"] == "progress":
                    yield f": {event['what']}, step {event['done']} of {event['total']}\n\n"
                elif text := await anyio.to_thread.run_sync(told, event, address):
                    yield piece({"content": text})
            try:
                _raise_failure(run)
            except ApiError as error:
                yield f"data: {json.dumps(error.body())}\n\n"
                return
            yield piece({"content": self._last(request, run)})
            yield piece({}, "stop")
            if body.stream_options and body.stream_options.include_usage:
                last = chunk_object(completion, body.model, {}) | {"choices": [], "usage": _usage(run)}
                yield f"data: {json.dumps(last)}\n\n"
            yield "data: [DONE]\n\n"
        finally:
            if not run.wait(0):
                self.studio.cancel(run)

    async def _draw(self, request: Request, body: ImageRequest, pictures: tuple[bytes, ...]) -> Response:
        count = body.n or 1
        own = body.imagerag
        mode: Mode | None = own.mode or mode_of(body.model)
        ask = Ask(
            body.prompt,
            pictures=pictures,
            thread=own.thread,
            seed=body.seed,
            n=max(count, own.n or 1),
            mode=mode,
            limits=_limits(own),
        )
        run = self._admit(client_of(request), ask)
        await self._see_through(request, run)
        assert run.output is not None
        best = run.output["image"]
        if best is None:
            raise ApiError(400, f"no image was made: {run.output['stop_reason']}", "no_image")
        others = [record for record in run.output["images"] if record["id"] != best["id"]]
        chosen = [best, *sorted(others, key=lambda record: -(record["score"] or 0.0))][:count]
        entries = self.studio.enter(run, chosen)
        address = self._address(request, run)
        data: list[dict[str, Any]] = []
        for record in chosen:
            entry: dict[str, Any] = {"revised_prompt": run.output["prompt"]}
            if body.response_format == "b64_json":
                file = await anyio.to_thread.run_sync(self.studio.file, entries[record["id"]])
                entry["b64_json"] = base64.b64encode(file).decode("ascii")
            else:
                entry["url"] = address(record)
            data.append(entry)
        size = (await anyio.to_thread.run_sync(self.studio.picture, entries[best["id"]])).size
        answer = {
            "created": int(time.time()),
            "data": data,
            "size": f"{size[0]}x{size[1]}",
            "output_format": "png",
            "imagerag": self._record(request, run),
        }
        return JSONResponse(answer)

    def _base(self, request: Request) -> str:
        return (self.public_url or str(request.base_url)).rstrip("/")

    def _address(self, request: Request, run: Run) -> Any:
        base = self._base(request)

        def address(record: Mapping[str, Any]) -> str:
            return f"{base}/images/{self.studio.enter(run, [record])[record['id']].id}.png"

        return address

    def _last(self, request: Request, run: Run) -> str:
        assert run.output is not None
        return ending(run.output, self._address(request, run))

    def _record(self, request: Request, run: Run) -> dict[str, Any]:
        base = self._base(request)
        return run_out(self.studio, run, lambda entry_id: f"{base}/images/{entry_id}.png").model_dump(mode="json")

    async def _file_object(self, entry: Entry) -> dict[str, Any]:
        return {
            "id": f"file-{entry.id}",
            "object": "file",
            "bytes": len(await anyio.to_thread.run_sync(self.studio.file, entry)),
            "created_at": int(entry.created),
            "filename": entry.title if entry.kind == "subject" else f"{entry.thread}-{entry.name}.png",
            "purpose": "vision" if entry.kind == "subject" else "assistants_output",
            "status": "processed",
        }


def client_of(request: Request) -> str:
    """Return whose a request is, as the guard has found."""
    client: str = request.scope["imagerag.client"]
    return client


async def parsed_body(request: Request, shape: type[Body]) -> Body:
    """Return the request's JSON as that shape.

    Raises:
        ApiError: it is no JSON, or has not that shape.
    """
    return _validated(shape, _json(await request.body()))


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ApiError(400, f"the body is not JSON: {error}", "invalid_json") from error


def _validated(shape: type[Body], body: Any) -> Body:
    try:
        return shape.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        given = "" if first["type"] == "missing" else f" (given: {str(first['input'])[:80]!r})"
        raise ApiError(400, f"{where or 'the body'}: {first['msg']}{given}", "invalid_value", where or None) from error


def _limits(own: Settings) -> Limits:
    given = {name: getattr(own, name) for name in ("max_generations", "max_seconds", "max_steps")}
    limits: Any = {name: value for name, value in given.items() if value is not None}
    return limits  # type: ignore[no-any-return]


def _words(message: Message) -> str:
    if isinstance(message.content, str):
        return message.content
    return "\n".join(part.text for part in message.content or () if isinstance(part, TextPart))


async def _read_upload(upload: UploadFile) -> bytes:
    data = await upload.read(MAX_PART + 1)
    if len(data) > MAX_PART:
        raise ApiError(413, f"{upload.filename!r} has more than {MAX_PART} bytes; send a smaller picture", "too_large")
    return data


async def _drained(run: Run) -> None:
    async for _ in run.follow():
        pass


def _raise_failure(run: Run) -> None:
    if run.error is None:
        if run.output is None:
            raise ApiError(400, "cancelled before its turn came", "cancelled")
        return
    text = error_text(run) or ""
    if isinstance(run.error, UserError | InvalidArgument):
        raise ApiError(400, text, "invalid_value")
    if isinstance(run.error, BudgetExceeded | Cancelled):
        raise ApiError(400, text, "stopped")
    raise ApiError(500, text, "internal_error")


def _usage(run: Run) -> dict[str, int]:
    tokens = sum(step["tokens"] for step in run.output["trace"]) if run.output else 0
    return {"prompt_tokens": tokens, "completion_tokens": 0, "total_tokens": tokens}
