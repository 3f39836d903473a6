"""The OpenAPI document of the HTTP API, made from the table of its endpoints."""

import re
from collections.abc import Sequence
from typing import Any

from pydantic.json_schema import models_json_schema

from imagerag import __version__
from imagerag.server.openai.endpoints import Endpoint

ERROR: dict[str, Any] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string", "description": "what is wrong, and the way out"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"], "description": "the request's field that is wrong, if one is"},
                "code": {"type": ["string", "null"]},
            },
        }
    },
}


def document(endpoints: Sequence[Endpoint], server: str) -> dict[str, Any]:
    """Return the document as JSON takes it (OpenAPI 3.1).

    Args:
        endpoints: those that it describes.
        server: the address at which clients reach them.
    """
    bodies = list(dict.fromkeys(one.body for one in endpoints if one.body is not None))
    _, definitions = models_json_schema(
        [(body, "validation") for body in bodies], ref_template="#/components/schemas/{model}"
    )
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        path = re.sub(r"\{(\w+):\w+\}", r"{\1}", endpoint.path)
        paths.setdefault(path, {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "imagerag",
            "version": __version__,
            "description": "As much of OpenAI's API as is needed to draw, talk about drawings, and send pictures.",
        },
        "servers": [{"url": server}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": {**definitions.get("$defs", {}), "Error": ERROR},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    name = getattr(endpoint.handler, "__name__", "answer")
    summary = (endpoint.handler.__doc__ or name).strip().splitlines()[0]
    failed = {
        "description": "refused, and why",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
    answers: dict[str, Any] = {"default": failed}
    if endpoint.status == 200:
        content: dict[str, Any] = {endpoint.answer: {}}
        if endpoint.streams:
            content["text/event-stream"] = {}
        answers = {"200": {"description": "done", "content": content}} | answers
    operation: dict[str, Any] = {
        "operationId": f"{endpoint.method.lower()}_{re.sub('[^a-z0-9]+', '_', endpoint.path.lower()).strip('_')}",
        "summary": summary,
        "parameters": _parameters(endpoint),
        "responses": answers,
    }
    if content := _sent(endpoint):
        operation["requestBody"] = {"required": True, "content": content}
    if endpoint.open_to_all:
        operation["security"] = []
    return operation


def _parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)", endpoint.path)
    ]
    in_query = [
        {"name": one.name, "in": "query", "description": one.description, "schema": one.schema}
        for one in endpoint.parameters
    ]
    return in_path + in_query


def _sent(endpoint: Endpoint) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if endpoint.body is not None:
        content["application/json"] = {"schema": {"$ref": f"#/components/schemas/{endpoint.body.__name__}"}}
    if endpoint.form:
        files = {name: {"type": "string", "contentMediaType": "application/octet-stream"} for name in endpoint.form}
        content["multipart/form-data"] = {"schema": {"type": "object", "properties": files}}
    return content
