"""The HTTP API: as much of OpenAI's API as clients need to draw, talk about drawings, and send pictures."""

from dataclasses import dataclass
from typing import Any

import anyio
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from imagerag.server.api_error import ApiError
from imagerag.server.database import Entry
from imagerag.server.openai.base import client_of
from imagerag.server.openai.chat import ChatApi
from imagerag.server.openai.schemas import (
    MODELS,
    mode_of,
    model_object,
)
from imagerag.server.uploads import read_upload, uploaded


@dataclass(frozen=True)
class OpenAIApi(ChatApi):
    """The endpoints over a service."""

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
        return JSONResponse({"status": "ok", "waiting": self.service.job_queue.waiting()})

    async def models(self, request: Request) -> Response:
        """List the models."""
        return JSONResponse({"object": "list", "data": [model_object(name) for name in MODELS]})

    async def model(self, request: Request) -> Response:
        """Tell of one model."""
        name = request.path_params["name"]
        mode_of(name)
        return JSONResponse(model_object(name))

    async def files(self, request: Request) -> Response:
        """List a client's images, or take in one."""
        client = client_of(request)
        if request.method == "GET":
            entries = await anyio.to_thread.run_sync(self.service.latest, client)
            data = [await self._file_object(entry) for entry in entries]
            return JSONResponse({"object": "list", "data": data, "has_more": False})
        form = await request.form(max_files=1, max_part_size=2**20)
        upload = form.get("file")
        if not isinstance(upload, UploadFile):
            raise ApiError(400, "there is no file; send one named 'file'", "missing_file", "file")
        stored = await self._check(await read_upload(upload))
        name = (upload.filename or "image").replace("\\", "/").rpartition("/")[2][:100]
        return JSONResponse(await self._file_object(self.service.database.upload(client, name, stored)))

    async def file(self, request: Request) -> Response:
        """Tell of one file, or delete it."""
        entry = uploaded(self.service, client_of(request), request.path_params["file_id"])
        if request.method == "DELETE":
            self.service.database.forget(entry.id, entry.client)
            return JSONResponse({"id": f"file-{entry.id}", "object": "file", "deleted": True})
        return JSONResponse(await self._file_object(entry))

    async def content(self, request: Request) -> Response:
        """Send a file of the client's own."""
        entry = uploaded(self.service, client_of(request), request.path_params["file_id"])
        return await self._png(entry)

    async def _file_object(self, entry: Entry) -> dict[str, Any]:
        return {
            "id": f"file-{entry.id}",
            "object": "file",
            "bytes": len(await anyio.to_thread.run_sync(self.service.file, entry)),
            "created_at": int(entry.created),
            "filename": entry.title if entry.kind == "subject" else f"{entry.thread}-{entry.name}.png",
            "purpose": "vision" if entry.kind == "subject" else "assistants_output",
            "status": "processed",
        }
