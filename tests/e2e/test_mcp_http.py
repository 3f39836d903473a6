"""The MCP server over streamable HTTP, with the SDK's own client, both generations of the protocol."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from testing.servers import TOKENS, Gate, Served, scripted_service

pytest.importorskip("mcp")
import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client


@contextlib.asynccontextmanager
async def connected(server: Served, token: str | None, mode: str) -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx2.AsyncClient(headers=headers, timeout=120) as http:
        transport = streamable_http_client(server.url + "/mcp", http_client=http)
        async with Client(transport, mode=mode) as client:
            yield client


@pytest.fixture(params=["auto", "legacy"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def talk(server: Served, conversation: Callable[[], Any]) -> None:
    try:
        asyncio.run(conversation())
    finally:
        server.stop()


def test_an_image_is_made_with_progress_and_read_by_its_owner_alone(tmp_path: Path, mode: str) -> None:
    server = Served(scripted_service(tmp_path, scores=[0.9]), tokens=TOKENS, loopback=False)
    told: list[str] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        told.append(message or "")

    async def conversation() -> None:
        async with connected(server, TOKENS[0], mode) as mine, connected(server, TOKENS[1], mode) as other:
            made = await mine.call_tool("create_image", {"prompt": "an owl"}, progress_callback=progress)
            assert not made.is_error, made.content
            uri = made.structured_content["image"]["uri"]
            assert (await mine.read_resource(uri)).contents[0].blob
            assert uri in {str(one.uri) for one in (await mine.list_resources()).resources}
            assert uri not in {str(one.uri) for one in (await other.list_resources()).resources}
            with pytest.raises(MCPError):
                await other.read_resource(uri)
            asked = await other.call_tool("get_image", {"run_id": made.structured_content["run_id"]})
            assert asked.is_error
            inspected = await other.call_tool("inspect_image", {"image_id": "image-1"})
            assert "not an image or a reference of this thread" in inspected.content[0].text

    talk(server, conversation)
    assert any("step 4 of 4" in text for text in told)


def test_without_a_token_nobody_comes_in(tmp_path: Path, mode: str) -> None:
    server = Served(scripted_service(tmp_path), tokens=TOKENS, loopback=False)

    async def conversation() -> None:
        async with connected(server, None, mode) as client:
            await client.list_tools()

    with pytest.raises(BaseExceptionGroup) as refused:
        talk(server, conversation)
    assert refused.group_contains(MCPError)


def test_a_started_image_is_cancelled_over_http(tmp_path: Path, mode: str) -> None:
    gate = Gate()
    server = Served(scripted_service(tmp_path, before_step=gate))

    async def conversation() -> None:
        async with connected(server, None, mode) as client:
            started = (await client.call_tool("start_image", {"prompt": "an owl"})).structured_content
            await asyncio.to_thread(gate.reached.acquire)
            cancel = asyncio.create_task(client.call_tool("cancel_image", {"run_id": started["run_id"]}))
            (run,) = server.service.register.under_way()
            while not run.job.cancelled.is_set():
                await asyncio.sleep(0.01)
            gate.open.set()
            assert (await cancel).structured_content["status"] == "cancelled"

    talk(server, conversation)
    assert server.service.components.generator.steps_done <= 2
