"""LangChain's MCP adapter as another agent's way in: it pins the old SDK, so it lives in an environment of its own."""

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest

from testing.servers import TOKENS, Served, scripted_service

pytestmark = pytest.mark.slow
AGENT = """\
import asyncio, json, sys
from langchain_mcp_adapters.client import MultiServerMCPClient

async def main():
    http = {"transport": "streamable_http", "url": sys.argv[1], "headers": {"Authorization": "Bearer " + sys.argv[2]}}
    stdio = {"transport": "stdio", "command": sys.argv[3], "args": ["-m", "imagerag", "mcp", "--home", sys.argv[4]]}
    tools = {tool.name: tool for tool in await MultiServerMCPClient({"http": http}).get_tools()}
    made = await tools["create_image"].ainvoke(
        {"name": "create_image", "args": {"prompt": "an owl"}, "id": "1", "type": "tool_call"}
    )
    over_stdio = await MultiServerMCPClient({"stdio": stdio}).get_tools()
    print(json.dumps({
        "tools": sorted(tools),
        "over_stdio": sorted(tool.name for tool in over_stdio),
        "blocks": made.content,
        "status": made.artifact["structured_content"]["status"],
    }))

asyncio.run(main())
"""


def test_langchains_adapter_lists_and_calls_the_tools(adapter: str, tmp_path: Path) -> None:
    server = Served(scripted_service(tmp_path, scores=[0.9]), tokens=TOKENS, loopback=False)
    try:
        command = [adapter, "-c", AGENT, server.url + "/mcp", TOKENS[0], sys.executable, str(tmp_path / "home")]
        result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    finally:
        server.stop()
    assert result.returncode == 0, result.stderr
    seen = json.loads(result.stdout)
    assert len(seen["tools"]) == 10
    assert seen["over_stdio"] == seen["tools"]
    assert seen["status"] == "done"
    assert {block["type"] for block in seen["blocks"]} == {"text", "image"}
    # An address of ours, as an image's, is what no provider of a chat model takes.
    for block in seen["blocks"]:
        if block["type"] == "image":
            assert not {"url", "image_url", "file_id"} & set(block)
            assert base64.b64decode(block["base64"], validate=True)
            assert block["mime_type"].startswith("image/")
