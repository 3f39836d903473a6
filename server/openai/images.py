"""OpenAI's image endpoints: drawing, drawing with pictures of one's own, and the images themselves."""

import base64
import io
import json
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any, Literal

import anyio
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from imagerag.graphs.nodes.finish import why_ended
from imagerag.server.api_error import ApiError
from imagerag.server.database import Entry
from imagerag.server.openai.base import (
    EndpointBase,
    client_of,
    json_of,
    limits_of,
    parsed_body,
    raise_failure,
    usage,
    validated,
)
from imagerag.server.openai.schemas import ImageRequest, mode_of
from imagerag.server.renditions import FORMATS, Rendition, encoded, render, size_of
from imagerag.server.run import Run, RunRequest
from imagerag.server.uploads import MAX_PICTURES, read_upload

BEAT = 15.0
"""Seconds of silence after which a stream gets a comment, so that no proxy takes it for dead."""
Kind = Literal["image_generation", "image_edit"]


class ImagesApi(EndpointBase):
    """The image endpoints over a service."""

    async def generations(self, request: Request) -> Response:
        """Draw pictures."""
        body = await parsed_body(request, ImageRequest)
        return await self._draw(request, body, (), "image_generation")

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
                pictures.append(await read_upload(value))
        if not pictures:
            raise ApiError(400, "there is no image; send one as a file named 'image'", "missing_image", "image")
        fields: dict[str, Any] = {name: value for name, value in form.items() if isinstance(value, str)}
        if "imagerag" in fields:
            fields["imagerag"] = json_of(fields["imagerag"].encode())
        body = validated(ImageRequest, fields)
        for picture in pictures:
            await self._check(picture)
        return await self._draw(request, body, tuple(pictures), "image_edit")

    async def image(self, request: Request) -> Response:
        """Send an image to whoever knows its address, in the format of its end and the size of its query."""
        name, _, end = request.path_params["image"].partition(".")
        entry = self.service.database.find(name) if (end or "png") in FORMATS else None
        if entry is None:
            raise ApiError(404, "there is no such image", "not_found")
        kind = FORMATS[end or "png"]
        size = size_of(request.query_params.get("size"))
        file = await anyio.to_thread.run_sync(lambda: render(self.service, entry, size, kind))
        return self._sent(entry, file.data, kind)

    async def _png(self, entry: Entry) -> Response:
        return self._sent(entry, await anyio.to_thread.run_sync(self.service.file, entry), "png")

    def _sent(self, entry: Entry, data: bytes, kind: str) -> Response:
        headers = {
            "cache-control": "private, max-age=31536000, immutable",
            "content-disposition": f'inline; filename="{entry.kind}-{entry.id[:8]}.{kind}"',
            "x-content-type-options": "nosniff",
        }
        return Response(data, media_type=f"image/{kind}", headers=headers)

    async def _draw(self, request: Request, body: ImageRequest, pictures: tuple[bytes, ...], kind: Kind) -> Response:
        size_of(body.size)
        own = body.imagerag
        ask = RunRequest(
            body.prompt,
            pictures=pictures,
            thread=own.thread,
            seed=body.seed,
            n=max(body.n or 1, own.n or 1),
            mode=own.mode or mode_of(body.model),
            limits=limits_of(own),
        )
        run = self._admit(client_of(request), ask)
        if body.stream:
            events = self._events(run, body, kind)
            return StreamingResponse(events, media_type="text/event-stream", headers={"cache-control": "no-store"})
        await self._see_through(request, run)
        drawn = await self._renditions(run, body)
        data: list[dict[str, Any]] = []
        for entry_id, file in drawn:
            entry: dict[str, Any] = {"revised_prompt": run.output["prompt"] if run.output else ""}
            if body.response_format == "b64_json":
                entry["b64_json"] = base64.b64encode(file.data).decode("ascii")
            else:
                query = f"?size={file.size}" if size_of(body.size) else ""
                entry["url"] = f"{self._base(request)}/images/{entry_id}.{body.output_format}{query}"
            data.append(entry)
        answer = {
            "created": int(time.time()),
            "data": data,
            "size": drawn[0][1].size,
            "output_format": body.output_format,
            "background": "opaque",
            "usage": _usage(run),
            "imagerag": self._record(request, run),
        }
        return JSONResponse(answer)

    async def _renditions(self, run: Run, body: ImageRequest) -> list[tuple[str, Rendition]]:
        """Return the ids and files of the best images of a run, best first.

        Raises:
            ApiError: no image was made.
        """
        assert run.output is not None
        best = run.output["image"]
        if best is None:
            why = why_ended(run.output["stop_reason"], run.output["trace"])
            raise ApiError(400, f"no image was made: {why}", "no_image")
        others = [record for record in run.output["images"] if record["id"] != best["id"]]
        chosen = [best, *sorted(others, key=lambda record: -(record["score"] or 0.0))][: body.n or 1]
        entries = self.service.enter(run, chosen)

        def rendered() -> list[tuple[str, Rendition]]:
            size, quality = size_of(body.size), body.output_compression
            return [
                (entries[one["id"]].id, render(self.service, entries[one["id"]], size, body.output_format, quality))
                for one in chosen
            ]

        return await anyio.to_thread.run_sync(rendered)

    async def _events(self, run: Run, body: ImageRequest, kind: Kind) -> AsyncIterator[str]:
        """Yield server-sent events: so many previews as were asked for, and the finished images."""
        sent = 0
        try:
            async for event in run.follow(BEAT):
                if event is None:
                    yield f": waiting, {self.service.position(run)} come first\n\n"
                elif event["event"] == "preview" and sent < (body.partial_images or 0):
                    file = await anyio.to_thread.run_sync(_partial, event, body)
                    yield _event(f"{kind}.partial_image", file, body, partial_image_index=sent)
                    sent += 1
            try:
                raise_failure(run)
                drawn = await self._renditions(run, body)
            except ApiError as error:
                yield f"event: error\ndata: {json.dumps({'type': 'error', **error.body()})}\n\n"
                return
            for _, file in drawn:
                yield _event(f"{kind}.completed", file, body, usage=_usage(run))
        finally:
            if not run.wait(0):
                self.service.cancel(run)


def _partial(event: Mapping[str, Any], body: ImageRequest) -> Rendition:
    from PIL import Image

    with Image.open(io.BytesIO(base64.b64decode(event["png"]))) as image:
        image.load()
        return encoded(image, size_of(body.size), body.output_format, body.output_compression)


def _event(name: str, file: Rendition, body: ImageRequest, **more: Any) -> str:
    data = {
        "type": name,
        "b64_json": base64.b64encode(file.data).decode("ascii"),
        "created_at": int(time.time()),
        "size": file.size,
        "quality": "auto",
        "background": "opaque",
        "output_format": body.output_format,
        **more,
    }
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


def _usage(run: Run) -> dict[str, Any]:
    tokens = usage(run)["total_tokens"]
    details = {"image_tokens": 0, "text_tokens": tokens}
    return {"input_tokens": tokens, "input_tokens_details": details, "output_tokens": 0, "total_tokens": tokens}
