"""Chat completions: a conversation that a client sends whole, matched with its thread, and answered step by step."""

import json
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import anyio
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from imagerag.graphs.events import progress_text
from imagerag.server.api_error import ApiError
from imagerag.server.database import Entry
from imagerag.server.markdown import ending, told
from imagerag.server.openai.base import client_of, limits_of, parsed_body, raise_failure, usage
from imagerag.server.openai.images import BEAT, ImagesApi
from imagerag.server.openai.schemas import (
    ChatRequest,
    FilePart,
    ImagePart,
    Message,
    TextPart,
    chunk_object,
    mode_of,
)
from imagerag.server.run import Run, RunRequest
from imagerag.server.uploads import MAX_PICTURES, OWN_ADDRESS, picture_at, uploaded


@dataclass(frozen=True)
class ChatApi(ImagesApi):
    """The chat endpoint over a service."""

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
            "usage": usage(run),
            "imagerag": self._record(request, run),
        }
        return JSONResponse(answer)

    async def _asked(self, request: Request, body: ChatRequest, client: str) -> RunRequest:
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
        return RunRequest(
            prompt,
            pictures=tuple(pictures),
            earlier=tuple(text for text in earlier if text.strip()),
            thread=base.thread if base else body.imagerag.thread,
            checkpoint=base.checkpoint if base else None,
            seed=body.seed,
            n=body.imagerag.n,
            mode=body.imagerag.mode or mode_of(body.model),
            limits=limits_of(body.imagerag),
        )

    def _continued(self, messages: list[Message], client: str) -> Entry | None:
        """Return the last image of ours in what was said before: its thread is gone on with, or branched from there."""
        for message in reversed(messages):
            if message.role == "assistant":
                for found in reversed(OWN_ADDRESS.findall(_words(message))):
                    entry = self.service.database.find(found, client)
                    if entry is not None and entry.thread and entry.checkpoint:
                        return entry
        return None

    async def _contents(self, request: Request, message: Message, client: str) -> tuple[str, list[bytes]]:
        components = message.content if isinstance(message.content, list) else []
        pictures: list[bytes] = []
        for part in components:
            if isinstance(part, ImagePart):
                hosts = frozenset({request.url.netloc.lower(), urlsplit(self.public_url or "").netloc.lower()} - {""})
                url = part.image_url.url
                pictures.append(await picture_at(self.service, client, url, hosts, may_fetch=self.may_fetch))
            elif isinstance(part, FilePart):
                entry = uploaded(self.service, client, part.file.file_id)
                pictures.append(await anyio.to_thread.run_sync(self.service.file, entry))
        if len(pictures) > MAX_PICTURES:
            raise ApiError(400, f"{len(pictures)} images are more than {MAX_PICTURES}", "too_many_images", "messages")
        return _words(message), pictures

    async def _stream(self, request: Request, run: Run, body: ChatRequest, completion: str) -> AsyncIterator[str]:
        """Yield server-sent events: every step as it happens, and comments in between."""
        address = self._address(request, run)

        def piece(delta: dict[str, Any], finish: str | None = None) -> str:
            return f"data: {json.dumps(chunk_object(completion, body.model, delta, finish))}\n\n"

        try:
            yield piece({"role": "assistant", "content": ""})
            if ahead := self.service.position(run):
                yield piece({"content": f"{ahead} requests come first\n\n"})
            async for event in run.follow(BEAT):
                if event is None:
                    yield f": waiting, {self.service.position(run)} come first\n\n"
                elif event["event"] == "progress":
                    yield f": {progress_text(event)}\n\n"
                elif text := await anyio.to_thread.run_sync(told, event, address):
                    yield piece({"content": text})
            try:
                raise_failure(run)
            except ApiError as error:
                yield f"data: {json.dumps(error.body())}\n\n"
                return
            yield piece({"content": self._last(request, run)})
            yield piece({}, "stop")
            if body.stream_options and body.stream_options.include_usage:
                last = chunk_object(completion, body.model, {}) | {"choices": [], "usage": usage(run)}
                yield f"data: {json.dumps(last)}\n\n"
            yield "data: [DONE]\n\n"
        finally:
            if not run.wait(0):
                self.service.cancel(run)

    def _last(self, request: Request, run: Run) -> str:
        assert run.output is not None
        return ending(run.output, self._address(request, run))


def _words(message: Message) -> str:
    if isinstance(message.content, str):
        return message.content
    return "\n".join(part.text for part in message.content or () if isinstance(part, TextPart))
