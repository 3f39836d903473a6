"""pydantic-ai: its chat model and its responses model."""

import asyncio
import json
import sys

from pydantic_ai import Agent
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider

url, key, step = sys.argv[1:4]
provider = OpenAIProvider(base_url=url, api_key=key)
agents = [Agent(kind("imagerag", provider=provider)) for kind in (OpenAIChatModel, OpenAIResponsesModel)]


async def leave() -> None:
    try:
        await asyncio.wait_for(agents[0].run("an owl"), 3)
    except TimeoutError:
        print(json.dumps(["left"]))


if step == "draw":
    print(json.dumps([str(agent.run_sync("an owl").output) for agent in agents]))
elif step == "redraw":
    told = []
    for agent in agents:
        first = agent.run_sync("an owl")
        told.append(str(agent.run_sync("make it red", message_history=first.all_messages()).output))
    print(json.dumps(told))
elif step == "error":
    told = []
    for agent in agents:
        try:
            agent.run_sync(" ")
        except ModelHTTPError as error:
            told.append(str(error))
    print(json.dumps(told))
else:
    asyncio.run(leave())
