"""Sessions of the MCP server that clients leave open are ended, the ones used longest ago first."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

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
