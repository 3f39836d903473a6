"""Whose a request of the MCP server is: resources are listed to their owner alone."""

import asyncio
from pathlib import Path

import pytest

from imagerag.server.database import ANONYMOUS
from imagerag.server.mcp.server import build_mcp
from testing.servers import scripted_service

pytest.importorskip("mcp")
from mcp import Client


def test_two_clients_at_once_are_listed_their_own_images_alone(tmp_path: Path) -> None:
    service = scripted_service(tmp_path)
    both_draw = asyncio.Barrier(2)

    async def draws(name: str) -> list[str]:
        async with Client(build_mcp(service, lambda headers: name)) as client:
            await client.call_tool("generate", {"prompt": "an owl", "thread": name})
            await both_draw.wait()
            return [resource.name for resource in (await client.list_resources()).resources]

    async def main() -> list[list[str]]:
        return list(await asyncio.gather(draws("alpha"), draws("beta")))

    try:
        assert asyncio.run(main()) == [["alpha/image-1"], ["beta/image-1"]]
    finally:
        service.close()


def test_outside_of_any_request_nobody_is_listed_anything(tmp_path: Path) -> None:
    service = scripted_service(tmp_path)
    server = build_mcp(service)
    try:
        assert server.asking_client() == ANONYMOUS
        assert asyncio.run(server.list_resources()) == []
    finally:
        service.close()
