"""OpenAI's files: a client's own uploads, and the images made for it."""

from dataclasses import dataclass, field
from typing import Any, Literal

import anyio
from cachetools import LRUCache
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from imagerag.server.api_error import ApiError
from imagerag.server.database import ANONYMOUS, Entry
from imagerag.server.off_loop import on_pictures
from imagerag.server.openai.base import client_of, validated
from imagerag.server.openai.images import ImagesApi
from imagerag.server.openai.not_heeded import not_heeded, told_in_header
from imagerag.server.uploads import MAX_FIELDS, read_upload, uploaded

UPLOADED, MADE = "vision", "assistants_output"
"""Purposes of the files that there are."""

MOST_LISTED = 100
"""Files in one answer; the length of each is found by opening it."""

LENGTHS_KEPT = 10_000

TAKEN = ("vision", "user_data", "assistants")
"""Purposes for which a picture can be sent; all of them come to the same."""


class ListQuery(BaseModel):
    """The query of ``GET /v1/files``."""

    model_config = ConfigDict(extra="allow")
    limit: int = Field(default=100, ge=1, le=10_000, description="files in one answer")
    order: Literal["asc", "desc"] = Field(default="desc", description="by the time they were made")
    after: str | None = Field(default=None, description="id of the file after which the list goes on")
    purpose: str | None = Field(default=None, description=f"{UPLOADED} for uploads, {MADE} for images made here")


@dataclass(frozen=True)
class FilesApi(ImagesApi):
    """The file endpoints over a service."""

    lengths: LRUCache[str, int] = field(default_factory=lambda: LRUCache(LENGTHS_KEPT))
    """Of files in bytes, by the ids of their entries; a file never changes."""

    async def files(self, request: Request) -> Response:
        """List a client's images, newest first unless asked otherwise."""
        sent = dict(request.query_params)
        query = validated(ListQuery, {name: value for name, value in sent.items() if value.strip()})
        client = client_of(request)
        kinds: dict[str | None, bool | None] = {None: None, UPLOADED: True, MADE: False}
        if query.purpose not in kinds:
            known = f"{UPLOADED} and {MADE}"
            text = f"there are no files of purpose {query.purpose!r} here, only {known}"
            raise ApiError(400, text, "invalid_value", "purpose")
        after = None
        if query.after is not None:
            after = await anyio.to_thread.run_sync(uploaded, self.service, client, query.after)
        limit = min(query.limit, MOST_LISTED)
        entries: list[Entry] = []
        if client != ANONYMOUS:  # nobody can tell those apart who come without a key
            entries = await anyio.to_thread.run_sync(
                lambda: self.service.database.listed(
                    client,
                    limit + 1,
                    uploads=kinds[query.purpose],
                    oldest_first=query.order == "asc",
                    after=after,
                )
            )
        data = [await self._file_object(entry) for entry in entries[:limit]]
        answer = {
            "object": "list",
            "data": data,
            "first_id": data[0]["id"] if data else None,
            "last_id": data[-1]["id"] if data else None,
            "has_more": len(entries) > limit,
        }
        unused = not_heeded(dict.fromkeys(sent, True), ListQuery.model_fields)
        if query.limit > MOST_LISTED:
            unused.append(f"limit above {MOST_LISTED}")
        return JSONResponse(answer, headers=told_in_header(unused))

    async def upload(self, request: Request) -> Response:
        """Take in a picture."""
        form = await request.form(max_files=1, max_fields=MAX_FIELDS, max_part_size=2**20)
        sent = form.get("file")
        if not isinstance(sent, UploadFile):
            raise ApiError(400, "there is no file; send one named 'file'", "missing_file", "file")
        purpose = str(form.get("purpose") or UPLOADED)
        if purpose not in TAKEN:
            text = f"purpose {purpose[:40]!r} is of no use here; pictures are taken for {', '.join(TAKEN)}"
            raise ApiError(400, text, "invalid_value", "purpose")
        fields = {name.partition("[")[0]: value for name, value in form.items() if isinstance(value, str)}
        unused = not_heeded(fields, ("purpose", "file"))
        stored = await self._check(await read_upload(sent))
        name = (sent.filename or "image").replace("\\", "/").rpartition("/")[2][:100]
        entry = await anyio.to_thread.run_sync(self.service.database.upload, client_of(request), name, stored)
        return JSONResponse(await self._file_object(entry), headers=told_in_header(unused))

    async def file(self, request: Request) -> Response:
        """Tell of one file."""
        return JSONResponse(await self._file_object(await self._own(request)))

    async def delete_file(self, request: Request) -> Response:
        """Delete a file, and its picture unless something else refers to it."""
        entry = await self._own(request)
        await anyio.to_thread.run_sync(self.service.forget, entry)
        return JSONResponse({"id": f"file-{entry.id}", "object": "file", "deleted": True})

    async def content(self, request: Request) -> Response:
        """Send a file of the client's own."""
        return await self._png(await self._own(request))

    async def _own(self, request: Request) -> Entry:
        client, name = client_of(request), request.path_params["file_id"]
        return await anyio.to_thread.run_sync(uploaded, self.service, client, name)

    async def _bytes(self, entry: Entry) -> int:
        """Return how long a file is; it is made once for that, however often it is listed."""
        known: int | None = self.lengths.get(entry.id)
        if known is None:
            known = self.lengths[entry.id] = len(await on_pictures(self.service.file, entry))
        return known

    async def _file_object(self, entry: Entry) -> dict[str, Any]:
        return {
            "id": f"file-{entry.id}",
            "object": "file",
            "bytes": await self._bytes(entry),
            "created_at": int(entry.created),
            "filename": entry.title if entry.kind == "subject" else f"{entry.thread}-{entry.name}.png",
            "purpose": UPLOADED if entry.kind == "subject" else MADE,
            "status": "processed",
        }
