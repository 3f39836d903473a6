"""Chat completions: a conversation that a client sends whole, matched with its thread, and answered step by step."""

import json
import secrets
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import anyio
from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from imagerag.graphs.events import progress_text
from imagerag.server.api_error import ApiError
from imagerag.server.markdown import ending, picture, told
from imagerag.server.off_loop import reading
from imagerag.server.openai.asking_for_text import check_chat, format_of
from imagerag.server.openai.base import BEAT, client_of, raise_failure, usage, validated
from imagerag.server.openai.conversation import ConversationBase, Picture, Said, Words
from imagerag.server.openai.history import readable
from imagerag.server.openai.json_body import json_of
from imagerag.server.openai.models import meaning_of
from imagerag.server.openai.not_heeded import told_in_header
from imagerag.server.openai.schemas import (
    PART_TYPES,
    ChatRequest,
    FilePart,
    ImagePart,
    Message,
    OtherPart,
    Part,
    RefusalPart,
    TextPart,
    chunk_object,
)
from imagerag.server.openai.text_answers import Written
from imagerag.server.openai.text_tasks import task_of
from imagerag.server.run import Run
from imagerag.server.uploads import data_url


@dataclass(frozen=True)
class ChatApi(ConversationBase):
    """The chat endpoint over a service."""

    async def chat(self, request: Request) -> Response:
        """Answer the last message of a conversation with a picture; streamed, every step as it happens.

        Front ends' own tasks (titles, tags ...) and JSON that is asked for are answered in words, and nothing is drawn.
        """
        sent = await request.body()
        body, unread = await reading(_body_of, sent)
        check_chat(body)
        own = meaning_of(body.model, self.service.offers).added_to(body.imagerag)
        completion = f"chatcmpl-{secrets.token_hex(12)}"
        said, left_out = await reading(_said_in, body.messages)
        unused = [*_unused(body, said), *dict.fromkeys([*unread, *left_out])]
        if (written := await self._text(body, said)) is not None:
            return self._in_words(body, completion, written, [*unused, *(["n"] if (body.n or 1) > 1 else [])])
        client = client_of(request)
        ask = await self._run_request(request, client, said, field="messages", own=own, seed=body.seed, n=body.n)
        run = await self._admit(client, ask)
        if body.stream:
            events = self._stream(request, run, body, completion, unused)
            headers = {"cache-control": "no-store"} | told_in_header(unused)
            return StreamingResponse(events, media_type="text/event-stream", headers=headers)
        await self._see_through(request, run)
        address = self._address(request, run)

        def worded() -> list[str]:
            first = "".join([*(told(event, address) for event in run.events), self._last(request, run)])
            return [first, *(picture(record, address(record)) for record in self._alternatives(run, body.n))]

        texts = await anyio.to_thread.run_sync(worded)
        answer = _completion(completion, body.model, texts, usage(run))
        record = await anyio.to_thread.run_sync(self._record, request, run, unused)
        return JSONResponse(answer | {"imagerag": record}, headers=told_in_header(unused))

    async def _text(self, body: ChatRequest, said: Sequence[Said]) -> Written | None:
        """Return the answer to a request that asks for a text; ``None`` for one that asks for a picture.

        Raises:
            ApiError: it asks for a text that only a chat model could write, and none does.
        """
        messages = [(message.role, message.text) for message in said]
        if task := await reading(task_of, messages):
            return await self.texts.task(messages, task)
        if wanted := format_of(body):
            return await self.texts.of_format(messages, wanted.schema, wanted.field)
        return None

    def _in_words(self, body: ChatRequest, completion: str, written: Written, unused: list[str]) -> Response:
        tokens = {"prompt_tokens": written.tokens, "completion_tokens": 0, "total_tokens": written.tokens}
        headers = told_in_header(unused)
        if not body.stream:
            answer = _completion(completion, body.model, [written.text], tokens)
            return JSONResponse(answer | {"imagerag": {"not_heeded": unused}}, headers=headers)
        pieces = [
            chunk_object(completion, body.model, {"role": "assistant", "content": ""}),
            chunk_object(completion, body.model, {"content": written.text}),
            chunk_object(completion, body.model, {}, "stop") | {"imagerag": {"not_heeded": unused}},
        ]
        if body.stream_options and body.stream_options.include_usage:
            pieces.append(chunk_object(completion, body.model, {}) | {"choices": [], "usage": tokens})
        lines = [f"data: {json.dumps(piece)}\n\n" for piece in pieces]
        whole = "".join([*lines, "data: [DONE]\n\n"])
        return Response(whole, media_type="text/event-stream", headers={"cache-control": "no-store"} | headers)

    def _alternatives(self, run: Run, n: int | None) -> list[Mapping[str, Any]]:
        """Return the images next best to the best one, for the choices after the first."""
        return self._best_first(run)[1 : n or 1]

    async def _stream(
        self, request: Request, run: Run, body: ChatRequest, completion: str, unused: list[str]
    ) -> AsyncIterator[str]:
        """Yield server-sent events: every step as it happens, and comments in between."""
        address = self._address(request, run)

        def piece(delta: dict[str, Any], finish: str | None = None, index: int = 0, **more: Any) -> str:
            return f"data: {json.dumps(chunk_object(completion, body.model, delta, finish, index) | more)}\n\n"

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
            yield piece({"content": await anyio.to_thread.run_sync(self._last, request, run)})
            for index, record in enumerate(self._alternatives(run, body.n), start=1):
                text = picture(record, await anyio.to_thread.run_sync(address, record))
                yield piece({"role": "assistant", "content": text}, index=index)
                yield piece({}, "stop", index)
            about = await anyio.to_thread.run_sync(self._record, request, run, unused)
            yield piece({}, "stop", imagerag=about)
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


def _completion(completion: str, model: str, texts: Sequence[str], tokens: dict[str, int]) -> dict[str, Any]:
    choices = [
        {
            "index": index,
            "message": {"role": "assistant", "content": text, "refusal": None},
            "finish_reason": "stop",
            "logprobs": None,
        }
        for index, text in enumerate(texts)
    ]
    return {
        "id": completion,
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": choices,
        "usage": tokens,
    }


_MESSAGE: TypeAdapter[Message] = TypeAdapter(Message)
_PART: TypeAdapter[Part] = TypeAdapter(Part)


def _body_of(sent: bytes) -> tuple[ChatRequest, list[str]]:
    """Return a request, and names of what can't be read of its earlier messages.

    Raises:
        ApiError: it is no JSON, or has not the shape of one.
    """
    given, unread = json_of(sent), list[str]()
    if isinstance(given, dict):
        messages, unread = readable(given.get("messages"), _MESSAGE, _PART)
        given = given | {"messages": messages}
    return validated(ChatRequest, given), unread


def _said_in(messages: Sequence[Message]) -> tuple[list[Said], list[str]]:
    """Return what was said, and names of the parts that change nothing.

    The last message of a user is what is drawn, so each of its parts has to be understood; those of others are a
    history, which clients keep as whatever model wrote it.

    Raises:
        ApiError: a part of the last user's message is of no known type, or a file without data; or it is all too long.
    """
    last = max((place for place, message in enumerate(messages) if message.role == "user"), default=-1)
    said: list[Said] = []
    unused: dict[str, None] = {}
    words = Words("messages")
    for place, message in enumerate(messages):
        parts = message.content if isinstance(message.content, list) else []
        for number, part in enumerate(parts):
            if not isinstance(part, OtherPart):
                continue
            if place == last:
                where = f"messages.{place}.content.{number}.type"
                text = f"{where}: {part.type[:40]!r} is no type of a part; known are: {', '.join(PART_TYPES)}"
                raise ApiError(400, text, "invalid_value", where)
            unused[f"message parts of type {part.type[:40]}" if part.type else "message parts without a type"] = None
        if isinstance(message.content, list):
            pictures = [found for part in parts if (found := _picture(part)) is not None] if place == last else []
            said.append(Said(message.role, words.joined([*filter(None, map(_words, parts))]), tuple(pictures)))
        else:
            said.append(Said(message.role, words.joined([message.content or ""])))
    return said, list(unused)


def _words(part: Part) -> str:
    if isinstance(part, RefusalPart):
        return part.refusal
    return part.text if isinstance(part, TextPart) else ""


def _picture(part: Part) -> Picture | None:
    """Return the picture of a part, if it is one.

    Raises:
        ApiError: a file with neither id nor data.
    """
    if isinstance(part, ImagePart):
        return Picture(url=part.image_url.url)
    if not isinstance(part, FilePart):
        return None
    if part.file.file_id:
        return Picture(file_id=part.file.file_id)
    if part.file.file_data:
        return Picture(url=data_url(part.file.file_data))
    raise ApiError(400, "a part of type 'file' has neither 'file_id' nor 'file_data'", "invalid_value", "messages")


def _unused(body: ChatRequest, said: Sequence[Said]) -> list[str]:
    """Return what is sent along and changes nothing: fields, and messages that instruct a chat model."""
    roles = dict.fromkeys(message.role for message in said if message.role not in ("user", "assistant"))
    return [*body.not_heeded(), *(f"messages of role {role}" for role in roles)]
