"""OpenAI's image endpoints: drawing, drawing with pictures of one's own, and the images themselves."""

import base64
import io
import json
import re
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import anyio
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from imagerag.graphs.nodes.finish import why_ended
from imagerag.places import without_folders
from imagerag.server.api_error import ApiError
from imagerag.server.database import Entry
from imagerag.server.downloads import as_file
from imagerag.server.off_loop import on_pictures, scaling
from imagerag.server.openai.base import (
    BEAT,
    client_of,
    parsed_body,
    raise_failure,
    usage,
    validated,
)
from imagerag.server.openai.conversation import ConversationBase, Picture, Said
from imagerag.server.openai.json_body import json_of
from imagerag.server.openai.models import meaning_of
from imagerag.server.openai.not_heeded import told_in_header
from imagerag.server.openai.schemas import EditRequest, ImageRequest, PictureSource, PictureStyle
from imagerag.server.renditions import FORMATS, Rendition, encoded, render, size_of
from imagerag.server.run import Run
from imagerag.server.uploads import MAX_FIELDS, MAX_PICTURES, read_upload
from imagerag.store.output_files import conversation_name, readable_name

Kind = Literal["image_generation", "image_edit"]

_IMAGE_FIELD = re.compile(r"image(?:\[\d{0,4}\])?")
"""Names of a form's fields with pictures; several come with brackets, with or without a number."""


@dataclass(frozen=True)
class ImagesApi(ConversationBase):
    """The image endpoints over a service."""

    async def generations(self, request: Request) -> Response:
        """Draw pictures."""
        body = await parsed_body(request, ImageRequest)
        return await self._draw(request, body, (), "image_generation")

    async def edits(self, request: Request) -> Response:
        """Draw with pictures of the client's own: files of a form, or JSON that names uploads and addresses."""
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json":
            edit = await parsed_body(request, EditRequest)
            _no_markup({"markup": edit.markup})
            sources = [source_of(one) for one in edit.images]
            pictures = await self._pictures(request, sources, client_of(request), "images")
            mask = None if edit.mask is None else await self._mask(request, source_of(edit.mask))
            return await self._draw(request, edit, tuple(pictures), "image_edit", mask=mask)
        try:
            form = await request.form(max_files=MAX_PICTURES + 2, max_fields=MAX_FIELDS, max_part_size=2**20)
        except Exception as error:
            if getattr(error, "status_code", 400) != 400:
                raise
            raise ApiError(400, f"the form can't be read: {error}", "invalid_form") from error
        _no_markup(form)
        sent = [value for name, value in form.multi_items() if _IMAGE_FIELD.fullmatch(name) and value]
        if not sent:
            raise ApiError(400, "there is no image; send one as a file named 'image'", "missing_image", "image")
        if len(sent) > MAX_PICTURES:
            raise ApiError(400, f"{len(sent)} images are more than {MAX_PICTURES}", "too_many_images", "image")
        fields: dict[str, Any] = {
            name: value
            for name, value in form.items()
            if isinstance(value, str) and not _is_picture(name) and (value.strip() or name == "prompt")
        }
        if "imagerag" in fields:
            fields["imagerag"] = json_of(fields["imagerag"].encode())
        body = validated(ImageRequest, fields)
        files: list[bytes] = []
        for value in sent:
            if isinstance(value, UploadFile):
                files.append(await read_upload(value))
                await self._check(files[-1])
            else:
                files += await self._pictures(request, [_named(value)], client_of(request), "image")
        others = [
            name[:40] for name, value in form.multi_items() if isinstance(value, UploadFile) and not _is_picture(name)
        ]
        mask = await self._form_mask(request, form.get("mask"))
        return await self._draw(request, body, tuple(files), "image_edit", others, mask=mask)

    async def _form_mask(self, request: Request, sent: UploadFile | str | None) -> bytes | None:
        """Return the file of a form's mask; some clients send an empty one."""
        if isinstance(sent, UploadFile):
            data = await read_upload(sent)
            if data:
                await self._check(data, "mask")
            return data or None
        return await self._mask(request, _named(sent)) if sent else None

    async def _mask(self, request: Request, source: Picture) -> bytes:
        """Return the file of a mask that is named."""
        (mask,) = await self._pictures(request, [source], client_of(request), "mask")
        return mask

    async def image(self, request: Request) -> Response:
        """Send an image to whoever knows its address, in the format of its end and the size of its query."""
        name, _, end = request.path_params["image"].partition(".")
        found = await anyio.to_thread.run_sync(self.service.database.find, name)
        entry = found if (end or "png") in FORMATS else None
        if entry is None:
            raise ApiError(404, "there is no such image", "not_found")
        kind = FORMATS[end or "png"]
        size = size_of(request.query_params.get("size"))
        file = await (scaling if size else on_pictures)(lambda: render(self.service, entry, size, kind))
        return self._sent(entry, file.data, kind)

    async def _png(self, entry: Entry) -> Response:
        return self._sent(entry, await on_pictures(self.service.file, entry), "png")

    def _sent(self, entry: Entry, data: bytes, kind: str) -> Response:
        headers = {
            "cache-control": "private, max-age=31536000, immutable",
            **as_file(f"{_file_name(entry, kind)}.{kind}", shown=True),
            "x-content-type-options": "nosniff",
        }
        return Response(data, media_type=f"image/{kind}", headers=headers)

    async def _draw(
        self,
        request: Request,
        body: ImageRequest,
        pictures: tuple[bytes, ...],
        kind: Kind,
        unused: Sequence[str] = (),
        *,
        mask: bytes | None = None,
    ) -> Response:
        own = meaning_of(body.model, self.service.offers).added_to(body.imagerag)
        told = [*body.not_heeded(), *unused]
        told += ["partial_images"] * bool(body.partial_images and not body.stream)
        told += ["response_format"] * bool(body.response_format == "url" and body.stream)
        asked = await self._run_request(
            request,
            client_of(request),
            [Said("user", body.prompt)],
            field="prompt",
            own=own,
            seed=body.seed,
            n=body.n or 1,
            size=body.size,
        )
        run = await self._admit(client_of(request), replace(asked, pictures=pictures, mask=mask))
        headers = told_in_header(told)
        if body.stream:
            events = self._events(request, run, body, kind, told)
            return StreamingResponse(
                events, media_type="text/event-stream", headers={"cache-control": "no-store"} | headers
            )
        await self._see_through(request, run)
        drawn = await self._renditions(run, body, body.n or 1)
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
            "quality": "auto",
            "output_format": body.output_format,
            "background": "opaque",
            "usage": _usage(run),
            "imagerag": await anyio.to_thread.run_sync(self._record, request, run, told),
        }
        return JSONResponse(answer, headers=headers)

    async def _renditions(self, run: Run, style: PictureStyle, n: int) -> list[tuple[str, Rendition]]:
        """Return the ids and files of the ``n`` best images of a run, best first.

        Raises:
            ApiError: no image was made.
        """
        chosen = self._best_first(run)[:n]
        if not chosen:
            assert run.output is not None
            why = run.output["answer"] or why_ended(run.output["stop_reason"], run.output["trace"])
            status = 503 if run.output["stop_reason"] == "unavailable" else 400
            raise ApiError(status, f"no image was made: {without_folders(why)}", "no_image")

        def rendered() -> list[tuple[str, Rendition]]:
            entries = self.service.enter(run, chosen)
            size, quality = size_of(style.size), style.output_compression
            return [
                (entries[one["id"]].id, render(self.service, entries[one["id"]], size, style.output_format, quality))
                for one in chosen
            ]

        return await on_pictures(rendered)

    async def _events(
        self, request: Request, run: Run, body: ImageRequest, kind: Kind, unused: Sequence[str]
    ) -> AsyncIterator[str]:
        """Yield server-sent events: so many previews as were asked for, and the finished images."""
        sent = 0
        try:
            async for event in run.follow(BEAT):
                if event is None:
                    yield f": waiting, {self.service.position(run)} come first\n\n"
                elif event["event"] == "preview" and sent < (body.partial_images or 0):
                    file = await on_pictures(partial_image, event, body)
                    yield _event(f"{kind}.partial_image", file, body, partial_image_index=sent)
                    sent += 1
            try:
                raise_failure(run)
                drawn = await self._renditions(run, body, body.n or 1)
                about = await anyio.to_thread.run_sync(self._record, request, run, unused)
            except ApiError as error:
                yield f"event: error\ndata: {json.dumps({'type': 'error', **error.body()})}\n\n"
                return
            for _, file in drawn:
                yield _event(f"{kind}.completed", file, body, usage=_usage(run), imagerag=about)
        finally:
            if not run.wait(0):
                self.service.cancel(run)


def _no_markup(given: Mapping[str, Any]) -> None:
    """Refuse a markup.

    Raises:
        ApiError: there is one.
    """
    if given.get("markup"):
        raise ApiError(400, "a markup is not supported; send a mask, or say in words", "unsupported", "markup")


def _file_name(entry: Entry, kind: str) -> str:
    """Return the name under which a browser keeps an image, without its ending, as the export of a conversation has it.

    A PNG's manifest has the prompt anyway; files of other formats tell nothing of it, so their names don't either.
    """
    if kind != "png":
        return f"{entry.kind}-{entry.id[:8]}"
    if entry.kind == "image":
        return conversation_name(entry.name, entry.title)
    return readable_name(entry.title or entry.name.rpartition(".")[0])


def _is_picture(field: str) -> bool:
    """Tell whether a form's field holds a picture, as a file or by name."""
    return field == "mask" or _IMAGE_FIELD.fullmatch(field) is not None


def _named(text: str) -> Picture:
    """Return the picture that a form's text names: an upload's id, or an address (``data:`` included)."""
    text = text.strip()
    return Picture(file_id=text) if text.startswith("file-") else Picture(url=text)


def source_of(one: PictureSource) -> Picture:
    """Return a picture of an edit that is sent as JSON.

    Raises:
        ApiError: it has neither id nor address.
    """
    if one.file_id:
        return Picture(file_id=one.file_id)
    if one.image_url:
        return Picture(url=one.image_url)
    raise ApiError(400, "an image has neither 'file_id' nor 'image_url'", "missing_image", "images")


def partial_image(event: Mapping[str, Any], body: PictureStyle) -> Rendition:
    """Return the file of a preview."""
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
