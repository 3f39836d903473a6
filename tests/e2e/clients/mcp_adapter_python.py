"""langchain-mcp-adapters: our MCP tools as tools of LangChain."""

import asyncio
import base64
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools

url, key, step, what = sys.argv[1:5]
server = {
    "transport": "streamable_http",
    "url": url.removesuffix("v1") + "mcp",
    "headers": {"Authorization": f"Bearer {key}"},
}


def wait_until_held() -> None:
    while not Path(os.environ["HELD"]).exists():
        time.sleep(0.05)


def call(tool: Any, **arguments: Any) -> Any:
    return tool.ainvoke({"name": tool.name, "args": arguments, "id": "1", "type": "tool_call"})


def words(message: Any) -> str:
    return "\n".join(block["text"] for block in message.content if block["type"] == "text")


async def main() -> None:
    client = MultiServerMCPClient({"imagerag": server})
    if step == "cancel" and what == "by a tool":
        async with client.session("imagerag") as session:
            tools = {tool.name: tool for tool in await load_mcp_tools(session)}
            started = (await call(tools["start_image"], prompt="an owl")).artifact["structured_content"]
            await asyncio.to_thread(wait_until_held)
            print(json.dumps([words(await call(tools["cancel_image"], run_id=started["run_id"]))]))
        return
    tools = {tool.name: tool for tool in await client.get_tools()}
    create = tools["create_image"]
    if step == "draw":
        made = await call(create, prompt="an owl")
        pictures = [base64.b64decode(block["base64"]) for block in made.content if block["type"] == "image"]
        print(json.dumps([words(made) if pictures else ""]))
    elif step == "redraw":
        thread = (await call(create, prompt="an owl")).artifact["structured_content"]["thread"]
        again = await call(create, prompt="make it red", thread=thread)
        print(json.dumps([f"{again.artifact['structured_content']['prompt']} {words(again)}"]))
    elif step == "error":
        thread = (await call(create, prompt="a dog")).artifact["structured_content"]["thread"]
        wrong = await call(create, prompt=what, thread=thread)
        after = await call(create, prompt="a cat", thread=thread)
        print(json.dumps([words(wrong) if wrong.status == "error" else "", words(after)]))
    else:
        task = asyncio.create_task(call(create, prompt="an owl"))
        await asyncio.to_thread(wait_until_held)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            print(json.dumps(["cancelled"]))


asyncio.run(main())
