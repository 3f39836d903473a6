"""MCP servers of others, and connections closed after each test."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from imagerag.tools.mcp_client import close_connections


@pytest.fixture(autouse=True)
def _let_go() -> Iterator[None]:
    yield
    close_connections()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-m", "testing.mcp_server", str(port)])
    try:
        while process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.kill()
        process.wait()
