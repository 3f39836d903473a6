"""The conversations of a browser: listed, told again, given a title, deleted and exported."""

import io
import json
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import anyio
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from imagerag.errors import UserError
from imagerag.server.api_error import ApiError, refusal
from imagerag.server.downloads import as_file
from imagerag.server.image_search import ImageQuery
from imagerag.server.off_loop import on_pictures
from imagerag.server.openai.base import client_of, parsed_body, validated
from imagerag.server.service import Service
from imagerag.server.web.told_again import conversation_out, image_path
from imagerag.store.output_files import conversation_name

PART = 2**18
"""Bytes of an archive that are read at a time."""
MOST_IMAGES = 60
"""Images in one answer."""


class ImagesQuery(BaseModel):
    """Which images are listed."""

    model_config = ConfigDict(extra="forbid")
    q: str = ""
    shows: str = Field(default="", max_length=1000)
    like: str = Field(default="", max_length=80)
    offset: int = Field(default=0, ge=0)
    limit: int = Field(default=MOST_IMAGES, ge=1, le=MOST_IMAGES)


class LabelRequest(BaseModel):
    """What a conversation is called, and whether it is a favourite; what is left out stays as it is."""

    title: str | None = None
    favourite: bool | None = None


@dataclass(frozen=True)
class ConversationRoutes:
    """The API of conversations over a service."""

    service: Service

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/web/images", self.images),
            Route("/web/threads", self.threads),
            Route("/web/threads/{thread}", self.thread),
            Route("/web/threads/{thread}", self.label, methods=["PATCH"]),
            Route("/web/threads/{thread}", self.delete, methods=["DELETE"]),
            Route("/web/threads/{thread}/export", self.export),
        ]

    async def threads(self, request: Request) -> Response:
        """List the client's conversations: all, or those that the words of ``q`` stand in."""
        words = request.query_params.get("q", "")
        found = await anyio.to_thread.run_sync(self.service.labels.listed, client_of(request), words)
        return JSONResponse({"threads": [asdict(one) for one in found]})

    async def images(self, request: Request) -> Response:
        """List what was drawn for the client anywhere: all, what words name, what shows something, or is like an image.

        In the query: ``q`` (words of the request), ``shows`` (what can be seen), ``like`` (an image's id), and
        ``offset`` and ``limit`` for one page of the answer.
        """
        client, query = client_of(request), validated(ImagesQuery, dict(request.query_params))
        sought = ImageQuery(query.q, query.shows, query.like, query.offset, query.limit)
        try:
            found = await on_pictures(self.service.image_search.find, client, sought)
        except UserError as error:
            raise refusal(error, param="like" if query.like else "shows") from error
        told = [
            {
                "uri": image_path(one.entry.id),
                "id": one.entry.name,
                "thread": one.entry.thread,
                "title": one.entry.title,
                "similarity": one.similarity,
            }
            for one in found.images
        ]
        more = max(0, found.total - query.offset - len(told))
        return JSONResponse({"images": told, "more": more, "not_seen": found.not_seen})

    async def thread(self, request: Request) -> Response:
        """Tell a conversation from its beginning."""
        client, name = client_of(request), request.path_params["thread"]
        told, running = await anyio.to_thread.run_sync(conversation_out, self.service, client, name)
        title = await anyio.to_thread.run_sync(self.service.labels.title, client, name)
        active = [{"run_id": run.id, "request": run.request} for run in running]
        known = bool(told or active)
        return JSONResponse({"thread": name, "title": title, "known": known, "turns": told, "running": active})

    async def label(self, request: Request) -> Response:
        """Give a conversation a title, or mark it as a favourite."""
        wanted = await parsed_body(request, LabelRequest)
        client, name = client_of(request), request.path_params["thread"]
        await self._check(client, name)
        try:
            await anyio.to_thread.run_sync(self.service.labels.change, client, name, wanted.title, wanted.favourite)
        except UserError as error:
            raise refusal(error, param="title") from error
        title = await anyio.to_thread.run_sync(self.service.labels.title, client, name)
        return JSONResponse({"thread": name, "title": title})

    async def delete(self, request: Request) -> Response:
        """Delete a conversation; its images go when the server cleans up."""
        client, name = client_of(request), request.path_params["thread"]
        await self._check(client, name)
        if self.service.running(client, name):
            raise ApiError(409, f"a run of {name!r} is under way; stop it first", "busy")
        try:
            await anyio.to_thread.run_sync(self.service.delete_conversation, client, name)
        except UserError as error:
            raise refusal(error) from error
        return JSONResponse({"thread": name, "deleted": True})

    async def export(self, request: Request) -> Response:
        """Send a conversation as a ZIP file: a page to look at, its data as JSON, and its images."""
        client, name = client_of(request), request.path_params["thread"]
        await self._check(client, name)
        packed, length = await on_pictures(self._packed, client, name)
        headers = {**as_file(f"{name}.zip"), "content-length": str(length)}
        return StreamingResponse(_parts(packed), media_type="application/zip", headers=headers)

    async def _check(self, client: str, name: str) -> None:
        if not await anyio.to_thread.run_sync(self.service.threads.state, client, name):
            raise ApiError(404, f"there is no conversation {name[:80]!r} of yours", "not_found")

    def _packed(self, client: str, name: str) -> tuple[IO[bytes], int]:
        """Return the archive and its bytes: on the disk, since a conversation may have a thousand images."""
        packed = tempfile.TemporaryFile()  # noqa: SIM115 - it is closed when it has been sent
        try:
            self._pack(client, name, packed)
            length = packed.tell()
            packed.seek(0)
        except BaseException:
            packed.close()
            raise
        return packed, length

    def _pack(self, client: str, name: str, packed: IO[bytes]) -> None:
        from imagerag.report.html import render_conversation
        from imagerag.store.exports import for_others

        turns = self.service.conversations_of(client).turns(name)
        with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(packed, "w") as archive:
            files: dict[str, Path] = {}
            for image in (image for turn in turns for image in turn["images"]):
                if image["sha256"] not in self.service.store:  # cleaned up; the page marks its place
                    continue
                file = Path(folder) / f"{conversation_name(image['id'], image['prompt'])}.png"
                file.write_bytes(for_others(self.service.store.data(image["sha256"]), self.service.store.signer))
                archive.write(file, file.name)
                files[image["id"]] = file
            page = render_conversation(name, turns, files)
            archive.writestr("conversation.html", page.encode("utf-8", "replace"))
            names = {key: file.name for key, file in files.items()}
            document = {"name": name, "turns": [_portable(dict(turn), names) for turn in turns]}
            archive.writestr("conversation.json", json.dumps(document, ensure_ascii=False, indent=1))
        packed.seek(0, io.SEEK_END)


def _parts(packed: IO[bytes]) -> Iterator[bytes]:
    """Yield a file in parts, and close it however that ends."""
    with packed:
        while part := packed.read(PART):
            yield part


def _portable(turn: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """Return a turn without where things are on this machine."""
    images = [{**image, "path": names.get(image["id"], "")} for image in turn["images"]]
    references = [{key: value for key, value in one.items() if key != "path"} for one in turn["references"]]
    return {**turn, "images": images, "references": references}
