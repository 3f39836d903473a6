"""``imagerag mcp`` over stdio, with the embedded engine."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from testing.mcp_clients import RESULT_LIMIT, serialised_size

pytest.importorskip("mcp")
from mcp import Client, StdioServerParameters, stdio_client


@contextlib.asynccontextmanager
async def over_stdio(home: Path) -> AsyncIterator[Client]:
    """A client of ``imagerag mcp``, a process of its own with the embedded engine."""
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "imagerag", "mcp", "--home", str(home), "--max-generations", "2"],
        env={"OMP_NUM_THREADS": "1"},
    )
    async with Client(stdio_client(server)) as client:
        yield client


def test_the_embedded_engine_draws_over_stdio(tmp_path: Path) -> None:
    async def main() -> None:
        async with over_stdio(tmp_path) as client:
            result = await client.call_tool("create_image", {"prompt": "an owl", "seed": 7})
            assert not result.is_error, result.content
            assert result.structured_content["image"]["score"] > 0
            assert serialised_size(result) < RESULT_LIMIT

    asyncio.run(main())
