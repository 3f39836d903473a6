"""Clients of the MCP server in this process."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from imagerag.server.mcp.server import build_mcp
from imagerag.server.service import Service

pytest.importorskip("mcp")
from mcp import Client

MODES = ["auto", "legacy"]
RESULT_LIMIT = 1_000_000
"""Bytes of a serialised result; clients cap it at about 1 MiB."""


def with_client(service: Service, talk: Callable[[Client], Awaitable[None]], mode: str = "auto") -> None:
    """Let a client talk to the service's server in process."""

    async def main() -> None:
        async with Client(build_mcp(service), mode=mode) as client:
            await talk(client)

    try:
        asyncio.run(main())
    finally:
        service.close()


def serialised_size(result: Any) -> int:
    return len(result.model_dump_json(by_alias=True).encode())
