"""The endpoint of OpenAI's responses: created, streamed, gone on from, asked for again, cancelled, deleted."""

import asyncio
import base64
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import anyio
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from imagerag.graphs.events import progress_text
from imagerag.server.api_error import ApiError
from imagerag.server.database import StoredResponse
from imagerag.server.markdown import ending, told
from imagerag.server.off_loop import reading
from imagerag.server.openai.base import BEAT, client_of, parsed_body, raise_failure, usage
from imagerag.server.openai.conversation import Base, Said
from imagerag.server.openai.images import ImagesApi, partial_image, source_of
from imagerag.server.openai.models import meaning_of
from imagerag.server.openai.not_heeded import told_in_header
from imagerag.server.openai.responses.events import ResponseEvents
from imagerag.server.openai.responses.items import said_in
from imagerag.server.openai.responses.objects import Draft, response_id_of
from imagerag.server.openai.responses.schemas import ImageTool, ResponseRequest
from imagerag.server.openai.text_answers import Written
from imagerag.server.openai.text_tasks import task_of
from imagerag.server.renditions import render, size_of
from imagerag.server.run import Run

CANCEL_SECONDS = 20.0
"""For which an answer to a cancel waits for the drawing to stop at its next step."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ResponsesApi(ImagesApi):
    """The responses endpoint over a service."""

    async def respond(self, request: Request) -> Response:
        """Draw what the last message of the input asks for; streamed, every step as it happens."""
        body = await parsed_body(request, ResponseRequest)
        body.check()
        size_of(body.style.size)
        own = meaning_of(body.model, self.service.offers).added_to(body.imagerag)
        client = client_of(request)
        base = await anyio.to_thread.run_sync(self._previous, body.previous_response_id, client)
        said, left_out = await reading(lambda: said_in(body.input, lambda item_id: self._left_by(item_id, client)))
        draft = Draft(body, [*body.unused(), *left_out])
        if (written := await self._words_for(body, said)) is not None:
            return await self._answered_in_words(draft, client, base, written)
        if body.style.partial_images and not body.stream:
            draft.unused.append("tools.image_generation.partial_images")
        asked = await self._run_request(
            request,
            client,
            said,
            field="input",
            own=own,
            seed=body.seed,
            base=base,
            size=body.style.size,
        )
        if (mask := body.style.input_image_mask) is not None:
            asked = replace(asked, mask=await self._mask(request, source_of(mask)))
        run = await self._admit(client, asked)
        kept = StoredResponse(
            draft.id,
            client,
            run.id,
            run.thread,
            asked.checkpoint,
            body.store is not False,
            draft.created,
            {"response": draft.response("in_progress", []), "background": bool(body.background)},
        )
        await anyio.to_thread.run_sync(self.service.database.keep_response, kept)
        run.listen(lambda event: self._end(request, run, draft, asked.checkpoint) if event is None else None)
        headers = told_in_header(draft.unused)
        if body.stream:
            events = self._streamed(request, run, draft)
            return StreamingResponse(
                events, media_type="text/event-stream", headers={"cache-control": "no-store"} | headers
            )
        if body.background:
            return JSONResponse(self._under_way(request, run, kept), headers=headers)
        await self._see_through(request, run)
        return JSONResponse(await self._finished(draft.id, client), headers=headers)

    async def response(self, request: Request) -> Response:
        """Return a response that was stored, as it stands."""
        if request.query_params.get("stream", "false") != "false":
            text = "a stored response is not streamed again; ask without 'stream' until its status is 'completed'"
            raise ApiError(400, text, "unsupported", "stream")
        row = await self._stored(request)
        return JSONResponse(await self._current(request, row))

    async def delete_response(self, request: Request) -> Response:
        """Delete a response; the conversation and its pictures stay."""
        row = await self._stored(request)
        await anyio.to_thread.run_sync(self.service.database.forget_response, row.id, row.client)
        return JSONResponse({"id": row.id, "object": "response", "deleted": True})

    async def cancel_response(self, request: Request) -> Response:
        """Stop a response that was created in the background."""
        row = await self._stored(request)
        if not row.body.get("background"):
            text = "only a response created with background=true is cancelled so; close the connection of another"
            raise ApiError(400, text, "not_in_background", "response_id")
        run = self.service.run(row.run, row.client)
        if run is not None and not run.wait(0):
            await anyio.to_thread.run_sync(self.service.cancel, run)
            await anyio.to_thread.run_sync(run.wait, CANCEL_SECONDS)
            row = await self._stored(request)
        return JSONResponse(await self._current(request, row))

    def _previous(self, response_id: str | None, client: str) -> Base | None:
        """Return the state that the named response left.

        Raises:
            ApiError: it is not one of the client's.
        """
        if response_id is None:
            return None
        row = self.service.database.response(response_id, client)
        if row is None or not row.shown:
            text = f"response {response_id[:80]!r} is not one of yours, or not stored; send the conversation instead"
            raise ApiError(400, text, "previous_response_not_found", "previous_response_id")
        return Base(row.thread, row.checkpoint) if row.thread else None

    def _left_by(self, item_id: str, client: str) -> Base | None:
        response_id = response_id_of(item_id)
        row = self.service.database.response(response_id, client) if response_id else None
        return Base(row.thread, row.checkpoint) if row is not None and row.thread else None

    async def _words_for(self, body: ResponseRequest, said: Sequence[Said]) -> Written | None:
        """Return the answer to a request that asks for a text; ``None`` for one that asks for a picture.

        Raises:
            ApiError: it asks for a text that only a chat model could write, and none does.
        """
        instructions = [("system", body.instructions)] if isinstance(body.instructions, str) else []
        messages = [*instructions, *((message.role, message.text) for message in said)]
        if task := await reading(task_of, messages):
            return await self.texts.task(messages, task)
        if wanted := body.wanted_format():
            return await self.texts.of_format(messages, wanted.schema, wanted.field)
        if body.wants_words():
            return await self.texts.words(messages, "tool_choice")
        return None

    async def _answered_in_words(self, draft: Draft, client: str, base: Base | None, written: Written) -> Response:
        output = [draft.message(written.text, "completed")]
        done = draft.response("completed", output, tokens=written.tokens)
        thread, checkpoint = base or Base("", None)
        shown = draft.body.store is not False
        kept = {"response": done} if shown else {}
        row = StoredResponse(draft.id, client, "", thread, checkpoint, shown, draft.created, kept)
        await anyio.to_thread.run_sync(self.service.database.keep_response, row)
        headers = told_in_header(draft.unused)
        if not draft.body.stream:
            return JSONResponse(done, headers=headers)
        events = ResponseEvents(draft, message_at=0)
        lines = [*events.begin(), *events.words(written.text), *events.end_words()]
        lines.append(events.event("response.completed", response=done))
        headers |= {"cache-control": "no-store"}
        return Response("".join(lines), media_type="text/event-stream", headers=headers)

    def _end(self, request: Request, run: Run, draft: Draft, checkpoint: str | None) -> None:
        """Keep how a run ended; called by the thread that ends it, before anybody else is told.

        That is the event loop's own where a client hangs up before its turn has come; it is not held up for a file.
        """
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._keep_end(request, run, draft, checkpoint)
        else:
            loop.run_in_executor(None, self._keep_end, request, run, draft, checkpoint)

    def _keep_end(self, request: Request, run: Run, draft: Draft, checkpoint: str | None) -> None:
        try:
            kept = self._outcome(request, run, draft) | {"background": bool(draft.body.background)}
            self.service.database.end_response(draft.id, run.thread, run.checkpoint or checkpoint, kept)
        except Exception:  # it must not keep the run from ending for those who follow it
            _log.exception("response %s can't be kept", draft.id)

    def _outcome(self, request: Request, run: Run, draft: Draft) -> dict[str, Any]:
        """Return what is kept of an ended run: the response without its pixels, where they are, and what failed."""
        about = self._record(request, run)
        tokens = usage(run)["total_tokens"]
        cancelled = run.status == "cancelled"
        chosen = self._best_first(run)[:1]
        output = []
        picture = None
        try:
            if run.output is not None or not cancelled:
                raise_failure(run)
                output = [draft.message(self._worded(request, run), "completed")]
            answered = run.output is not None and run.output["stop_reason"] == "answered"
            if not chosen and not cancelled and not answered:
                assert run.output is not None
                raise ApiError(400, f"no image was made: {run.output['stop_reason']}", "no_image")
        except ApiError as error:
            code = "invalid_prompt" if error.code == "invalid_value" else "server_error"
            told_as = {"code": code, "message": str(error)}
            response = draft.response("failed", output, tokens=tokens, error=told_as, about=about)
            return {"response": response, "failure": {"status": error.status, "code": error.code}}
        if chosen:
            entry = self.service.enter(run, chosen)[chosen[0]["id"]]
            picture = {"entry": entry.id, "style": draft.body.style.model_dump(mode="json")}
            output.insert(0, draft.picture("completed", prompt=chosen[0]["prompt"]))
        response = draft.response("cancelled" if cancelled else "completed", output, tokens=tokens, about=about)
        return {"response": response, "picture": picture}

    def _worded(self, request: Request, run: Run) -> str:
        address = self._address(request, run)
        words = "".join(told(event, address) for event in list(run.events))
        return words + (ending(run.output, address) if run.output is not None else "")

    async def _stored(self, request: Request) -> StoredResponse:
        response_id = request.path_params["response_id"]
        row = await anyio.to_thread.run_sync(self.service.database.response, response_id, client_of(request))
        if row is None or not row.shown:
            text = f"response {response_id[:80]!r} is not one of yours, or not stored"
            raise ApiError(404, text, "response_not_found", "response_id")
        return row

    async def _current(self, request: Request, row: StoredResponse) -> dict[str, Any]:
        """Return a stored response as it stands now."""
        if row.body["response"]["status"] != "in_progress":
            return await anyio.to_thread.run_sync(self._whole, row)
        run = self.service.run(row.run, row.client)
        if run is not None:
            return await anyio.to_thread.run_sync(self._under_way, request, run, row)
        failure = {"code": "server_error", "message": "the server was ended before this was; create it again"}
        lost: dict[str, Any] = row.body["response"] | {"status": "failed", "error": failure}
        return lost

    def _under_way(self, request: Request, run: Run, row: StoredResponse) -> dict[str, Any]:
        """Return a response whose run has not ended, with what it has told so far."""
        status = "queued" if run.status == "queued" else "in_progress"
        key = row.id.removeprefix("resp_")
        picture = {"id": f"ig_{key}", "type": "image_generation_call", "status": "generating", "result": None}
        output = [] if status == "queued" else [picture]
        about = self._record(request, run, row.body["response"]["imagerag"]["not_heeded"])
        now: dict[str, Any] = row.body["response"] | {"status": status, "output": output, "imagerag": about}
        return now

    async def _finished(self, response_id: str, client: str) -> dict[str, Any]:
        """Return a response whose run has ended, with its picture.

        Raises:
            ApiError: it failed; or it was deleted meanwhile.
        """
        row = await anyio.to_thread.run_sync(self.service.database.response, response_id, client)
        if row is None:
            raise ApiError(404, "the response was deleted before it ended", "response_not_found")
        if not row.shown:  # its place in the conversation is all that is kept of it
            end = self.service.database.end_response
            await anyio.to_thread.run_sync(end, row.id, row.thread, row.checkpoint, {})
        if failure := row.body.get("failure"):
            raise ApiError(failure["status"], row.body["response"]["error"]["message"], failure["code"])
        return await anyio.to_thread.run_sync(self._whole, row)

    def _whole(self, row: StoredResponse) -> dict[str, Any]:
        """Return a response with the pixels of its picture, in the form that was asked for."""
        response: dict[str, Any] = row.body["response"]
        picture: Mapping[str, Any] | None = row.body.get("picture")
        if picture is None:
            return response
        entry = self.service.database.find(picture["entry"], row.client)
        style = ImageTool.model_validate(picture["style"])
        for item in response["output"]:
            if item["type"] == "image_generation_call" and entry is not None:
                size = size_of(style.size)
                file = render(self.service, entry, size, style.output_format, style.output_compression)
                item |= {"result": base64.b64encode(file.data).decode("ascii"), "size": file.size}
        return response

    async def _streamed(self, request: Request, run: Run, draft: Draft) -> AsyncIterator[str]:
        """Yield server-sent events: every step as it happens, and comments in between."""
        events = ResponseEvents(draft)
        address = self._address(request, run)
        style = draft.body.style
        previews = 0
        try:
            for line in (*events.begin(queued=self.service.position(run) > 0), *events.begin_picture()):
                yield line
            async for event in run.follow(BEAT):
                if event is None:
                    yield f": waiting, {self.service.position(run)} come first\n\n"
                elif event["event"] == "progress":
                    yield f": {progress_text(event)}\n\n"
                elif event["event"] == "preview":
                    if previews < (style.partial_images or 0):
                        file = await anyio.to_thread.run_sync(partial_image, event, style)
                        data = base64.b64encode(file.data).decode("ascii")
                        more = {"size": file.size, "output_format": style.output_format}
                        yield events.partial(previews, partial_image_b64=data, **more)
                        previews += 1
                else:
                    for line in events.words(await anyio.to_thread.run_sync(told, event, address)):
                        yield line
            try:
                response = await self._finished(draft.id, run.client)
            except ApiError as error:
                failed = await anyio.to_thread.run_sync(self._outcome, request, run, draft)
                for line in events.fail(error.body()["error"], failed["response"]):
                    yield line
                return
            last = ending(run.output, address) if run.output is not None else ""
            for line in (*events.words(last), *events.end_words()):
                yield line
            pictures = [item for item in response["output"] if item["type"] == "image_generation_call"]
            for item in pictures:
                for line in events.end_picture(item):
                    yield line
            if not pictures:
                for line in events.no_picture():
                    yield line
            yield events.event("response.completed", response=response)
        finally:
            if not run.wait(0) and not draft.body.background:
                self.service.cancel(run)
