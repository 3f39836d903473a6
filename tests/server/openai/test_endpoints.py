"""Routes from the table of endpoints."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.testclient import TestClient

from imagerag.server.openai.endpoints import Endpoint, routes_of


async def shown(request: Request) -> Response:
    return PlainTextResponse("shown")


async def deleted(request: Request) -> Response:
    return PlainTextResponse("deleted")


def test_methods_of_one_path_lead_to_their_handlers() -> None:
    table = [Endpoint("GET", "/a/{name}", shown), Endpoint("DELETE", "/a/{name}", deleted)]
    (route,) = routes_of(table)
    client = TestClient(Starlette(routes=[route]))
    assert client.get("/a/x").text == "shown"
    assert client.head("/a/x").status_code == 200
    assert client.delete("/a/x").text == "deleted"
    assert client.post("/a/x").status_code == 405
