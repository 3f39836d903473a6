"""Sessions of the MCP server that clients leave open are ended, the ones used longest ago first."""

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

pytest.importorskip("mcp")
from mcp.server import MCPServer

from imagerag.server.mcp import sessions
from imagerag.server.mcp.sessions import Sessions
from testing.mixed_load import EITHER, Client
from testing.servers import Served, scripted_service

ABOUT = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
INITIALIZE = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": ABOUT}
PING = {"jsonrpc": "2.0", "id": 7, "method": "ping"}


def _headers(key: str, session: str) -> dict[str, str]:
    return {**EITHER, "authorization": f"Bearer {key}", "mcp-session-id": session, "mcp-protocol-version": "2025-06-18"}


def test_the_session_unused_for_longest_is_ended() -> None:
    def client_of(headers: Mapping[str, str]) -> str:
        return headers["authorization"]

    server = MCPServer("test")
    app = Starlette(
        routes=[Route(one.path, Sessions(one.app, client_of, 2)) for one in server.streamable_http_app().routes]
    )

    async def talk() -> None:
        transport = httpx.ASGITransport(app)
        async with (
            server.session_manager.run(),
            httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as http,
        ):

            async def opened() -> str:
                headers = {**EITHER, "authorization": "Bearer one"}
                return (await http.post("/mcp", json=INITIALIZE, headers=headers)).headers["mcp-session-id"]

            async def status(session: str) -> int:
                return (await http.post("/mcp", json=PING, headers=_headers("one", session))).status_code

            first, second = await opened(), await opened()
            assert await status(first) == 200
            third = await opened()
            assert [await status(one) for one in (first, second, third)] == [200, 404, 200]
            refused = await http.post("/mcp", content=b"{]", headers=EITHER | {"authorization": "Bearer one"})
            assert refused.status_code >= 400
            assert [await status(one) for one in (first, third)] == [200, 200], "what was refused has opened none"

    asyncio.run(talk())


@pytest.mark.slow
def test_of_the_client_with_the_most_sessions_the_one_unused_for_longest_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "MOST_OPEN", 4)
    server = Served(scripted_service(tmp_path))
    try:

        def opened(key: str) -> str:
            client = Client(server.url, key)
            try:
                return client.open_session()["mcp-session-id"]
            finally:
                client.close()

        def status(key: str, session: str) -> int:
            return httpx.post(server.url + "/mcp", json=PING, headers=_headers(key, session)).status_code

        other = opened("other")
        listening, second, third = (opened("many") for _ in range(3))
        with httpx.stream("GET", server.url + "/mcp", headers=_headers("many", listening)) as stream:
            assert stream.status_code == 200
            assert status("many", second) == 200, "used again, so that the third is the one unused for longest"
            fourth = opened("many")
            assert [status("many", one) for one in (third, second, fourth)] == [404, 200, 200]
            assert status("other", other) == 200, "of whoever has one it is not the one that goes"
            httpx.delete(server.url + "/mcp", headers=_headers("many", fourth))
            fifth = opened("many")
            assert [status("many", one) for one in (second, fifth)] == [200, 200], "an ended one counts no more"
            assert status("many", listening) == 200, "one in which a request is under way stays"
    finally:
        server.stop()


def _call(url: str, headers: dict[str, str], tool: str, **arguments: object) -> dict[str, Any]:
    message = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
    told = httpx.post(f"{url}/mcp", json=message, headers=headers, timeout=60).text
    (answer,) = [json.loads(line[6:]) for line in told.splitlines() if line.startswith('data: {"jsonrpc":"2.0","id":2')]
    return dict(answer["result"])


def test_clients_without_a_key_see_and_continue_nothing_of_one_another(serve: Callable[..., Served]) -> None:
    url = serve().url
    sessions = []
    for _ in range(2):
        opened = httpx.post(f"{url}/mcp", json=INITIALIZE, headers=EITHER)
        session = {"mcp-session-id": opened.headers["mcp-session-id"], "mcp-protocol-version": "2025-06-18"}
        sessions.append(EITHER | session)
    mine, other = sessions
    for name in ({}, {"thread": "sea"}):
        made = _call(url, mine, "generate", prompt="an owl", **name)["structuredContent"]
        refused = _call(url, other, "inspect_image", image_id="image-1", concepts=["owl"], **name)
        assert refused["isError"], "it has seen an image of another client's"
        again = _call(url, mine, "inspect_image", image_id="image-1", concepts=["owl"], **name)
        assert again["structuredContent"]["thread"] == made["thread"]
        theirs = _call(url, other, "create_image", prompt="a cat", **name)["structuredContent"]
        assert [image["id"] for image in theirs["images"]] == ["image-1"]
        assert theirs["thread"] != made["thread"]
    read = {"jsonrpc": "2.0", "id": 3, "method": "resources/read", "params": {"uri": "imagerag://threads/sea"}}
    assert "is not a conversation of yours" not in httpx.post(f"{url}/mcp", json=read, headers=mine).text
    assert '"image-2"' not in httpx.post(f"{url}/mcp", json=read, headers=other).text
