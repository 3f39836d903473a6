"""The HTTP API: as much of OpenAI's API as clients need to draw, talk about drawings, and send pictures."""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from imagerag.server.api_error import ApiError
from imagerag.server.openai.chat import ChatApi
from imagerag.server.openai.endpoints import Endpoint, Handler, Method, Parameter, routes_of
from imagerag.server.openai.files import FilesApi, ListQuery
from imagerag.server.openai.models import meaning_of, models
from imagerag.server.openai.openapi import document
from imagerag.server.openai.responses.api import ResponsesApi
from imagerag.server.openai.responses.schemas import ResponseRequest
from imagerag.server.openai.schemas import ChatRequest, EditRequest, ImageRequest, model_object

REFUSED: Mapping[tuple[Method, str], str] = {
    ("POST", "/v1/completions"): "it completes no texts; ask for a picture at /v1/chat/completions, /v1/responses or "
    "/v1/images/generations",
    ("POST", "/v1/images/variations"): "send the picture with words to /v1/images/edits instead",
    ("POST", "/v1/embeddings"): "it gives no embeddings",
    ("POST", "/v1/moderations"): "it judges no texts",
    ("POST", "/v1/conversations"): "it keeps a conversation by previous_response_id, or by what is sent back to it",
    ("GET", "/v1/responses/{response_id}/input_items"): "it keeps no input; what was asked for is in the response",
    ("POST", "/v1/responses/compact"): "it needs no shorter conversations; go on with previous_response_id",
    ("POST", "/v1/responses/input_tokens"): "it counts no tokens beforehand",
    ("POST", "/v1/audio/speech"): "it makes no sound",
    ("POST", "/v1/audio/transcriptions"): "it hears no sound",
}
"""Endpoints that clients try, and what to use in their place."""


@dataclass(frozen=True)
class OpenAIApi(ChatApi, ResponsesApi, FilesApi):
    """The endpoints over a service."""

    def endpoints(self) -> list[Endpoint]:
        """Return the table of endpoints."""
        listed = ListQuery.model_json_schema()["properties"]
        query = tuple(Parameter(name, schema.pop("description"), schema) for name, schema in listed.items())
        scaled = Parameter("size", "WIDTHxHEIGHT that it is scaled to", {"type": "string"})
        return [
            Endpoint("GET", "/health", self.health, open_to_all=True),
            Endpoint("GET", "/openapi.json", self.openapi, open_to_all=True),
            Endpoint("GET", "/v1/models", self.models),
            Endpoint("GET", "/v1/models/{name:path}", self.model),
            Endpoint("POST", "/v1/chat/completions", self.chat, body=ChatRequest, streams=True),
            Endpoint("POST", "/v1/responses", self.respond, body=ResponseRequest, streams=True),
            Endpoint("GET", "/v1/responses/{response_id}", self.response),
            Endpoint("DELETE", "/v1/responses/{response_id}", self.delete_response),
            Endpoint("POST", "/v1/responses/{response_id}/cancel", self.cancel_response),
            Endpoint("POST", "/v1/images/generations", self.generations, body=ImageRequest, streams=True),
            Endpoint("POST", "/v1/images/edits", self.edits, body=EditRequest, form=("image",), streams=True),
            Endpoint("GET", "/v1/files", self.files, parameters=query),
            Endpoint("POST", "/v1/files", self.upload, form=("file",)),
            Endpoint("GET", "/v1/files/{file_id}", self.file),
            Endpoint("DELETE", "/v1/files/{file_id}", self.delete_file),
            Endpoint("GET", "/v1/files/{file_id}/content", self.content, answer="image/png"),
            Endpoint("GET", "/images/{image}", self.image, parameters=(scaled,), answer="image/png", open_to_all=True),
            *(Endpoint(method, path, _refusal(path, why), status=404) for (method, path), why in REFUSED.items()),
        ]

    def routes(self) -> list[Route]:
        """Return the routes of the application."""
        return routes_of(self.endpoints())

    async def health(self, request: Request) -> Response:
        """Say that the server is up, and how long the queue is."""
        return JSONResponse({"status": "ok", "waiting": self.service.job_queue.waiting()})

    async def openapi(self, request: Request) -> Response:
        """Describe the API, as OpenAPI 3.1."""
        return JSONResponse(document(self.endpoints(), self._base(request)))

    async def models(self, request: Request) -> Response:
        """List the models."""
        return JSONResponse({"object": "list", "data": [model_object(name) for name in models(self.service.offers)]})

    async def model(self, request: Request) -> Response:
        """Tell of one model."""
        name = request.path_params["name"]
        meaning_of(name, self.service.offers)
        return JSONResponse(model_object(name))


def _refusal(path: str, why: str) -> Handler:
    async def refuse(request: Request) -> Response:
        raise ApiError(404, f"{path} is not served: this server draws; {why}", "unsupported_endpoint")

    refuse.__doc__ = f"Not served: {why}."
    return refuse
