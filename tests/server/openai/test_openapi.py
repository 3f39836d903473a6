"""The OpenAPI document against the routes and what they take."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from imagerag.server.app import build_app
from imagerag.server.openai.api import OpenAIApi
from imagerag.server.openai.openapi import document
from testing.servers import TOKENS, Served, scripted_service


@pytest.fixture
def api(tmp_path: Path) -> Iterator[OpenAIApi]:
    service = scripted_service(tmp_path)
    yield OpenAIApi(service)
    service.close()


def test_each_route_is_described_and_nothing_else(api: OpenAIApi) -> None:
    routes = {
        (path, method)
        for route in api.routes()
        for path in [re.sub(r":\w+}", "}", route.path)]
        for method in (route.methods or ())
    }
    described = {
        (path, method.upper())
        for path, operations in document(api.endpoints(), "http://x")["paths"].items()
        for method in operations
    }
    assert {one for one in routes if one[1] != "HEAD"} == described


def test_the_document_holds_together(api: OpenAIApi) -> None:
    made = document(api.endpoints(), "http://x")
    assert made["openapi"].startswith("3.1")
    for name in re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(made)):
        assert name in made["components"]["schemas"]
    names = []
    for path, operations in made["paths"].items():
        for operation in operations.values():
            names.append(operation["operationId"])
            assert operation["summary"]
            in_path = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
            assert in_path == set(re.findall(r"\{(\w+)\}", path))
    assert len(set(names)) == len(names)
    for schema in made["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "body", "fits"),
    [
        ("/v1/responses", {"input": "an owl", "tools": [{"type": "image_generation", "size": "64x64"}]}, True),
        ("/v1/responses", {"input": 3}, False),
        ("/v1/images/generations", {"prompt": "an owl", "n": 2, "seed": -1}, True),
        ("/v1/images/generations", {"prompt": "an owl", "n": 11}, False),
        ("/v1/images/edits", {"prompt": "an owl", "images": [{"file_id": "file-1"}]}, True),
        ("/v1/images/edits", {"prompt": "an owl"}, False),
        ("/v1/chat/completions", {"model": "imagerag", "messages": [{"role": "user", "content": "an owl"}]}, True),
        ("/v1/chat/completions", {"model": "imagerag", "messages": []}, False),
    ],
)
def test_bodies_that_are_taken_fit_the_document(
    serve: Callable[..., Served], path: str, body: dict[str, Any], fits: bool
) -> None:
    server = serve()
    made = httpx.get(server.url + "/openapi.json").json()
    assert made["servers"] == [{"url": server.url}]
    sent = made["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    checker = Draft202012Validator({**sent, "components": made["components"]})
    assert checker.is_valid(body) == fits
    answer = httpx.post(server.url + path, json=body)
    assert (answer.status_code != 400) == fits


def test_what_needs_no_token_says_so(tmp_path: Path) -> None:
    service = scripted_service(tmp_path)
    api = OpenAIApi(service)
    from starlette.testclient import TestClient

    client = TestClient(build_app(service, tokens=TOKENS, mcp=False), base_url="http://127.0.0.1")
    for endpoint in api.endpoints():
        path = re.sub(r"\{\w+\}", "0", endpoint.path)
        refused = client.request(endpoint.method, path).status_code == 401
        assert refused != endpoint.open_to_all, path
    service.close()
