"""pydantic-ai: its chat model and its responses model."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from pydantic_ai import Agent
from pydantic_ai.exceptions import ModelAPIError
from pydantic_ai.messages import ModelRequest
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider

url, key, step, what = sys.argv[1:5]
provider = OpenAIProvider(base_url=url, api_key=key)
kinds = {"chat": OpenAIChatModel, "responses": OpenAIResponsesModel}
agents = {name: Agent(kind("imagerag", provider=provider)) for name, kind in kinds.items()}


def wait_until_held() -> None:
    while not Path(os.environ["HELD"]).exists():
        time.sleep(0.05)


async def cancel_task(asked: Coroutine[Any, Any, Any]) -> None:
    task = asyncio.create_task(asked)
    await asyncio.to_thread(wait_until_held)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        print(json.dumps(["cancelled"]))


async def streamed(agent: Agent, prompt: str, **more: Any) -> str:
    async with agent.run_stream(prompt, **more) as result:
        return str(await result.get_output())


if step == "draw":
    print(json.dumps([str(agent.run_sync("an owl").output) for agent in agents.values()]))
elif step == "redraw":
    told = []
    for agent in agents.values():
        first = agent.run_sync("an owl")
        told.append(str(agent.run_sync("make it red", message_history=first.all_messages()).output))
    print(json.dumps(told))
elif step == "error":
    told = []
    before = [ModelRequest.user_text_prompt(what)]
    for agent in agents.values():
        for ask in (
            lambda prompt, **more: str(agent.run_sync(prompt, **more).output),  # noqa: B023 - called at once
            lambda prompt, **more: asyncio.run(streamed(agent, prompt, **more)),  # noqa: B023
        ):
            try:
                told.append(ask(what))
            except ModelAPIError as error:
                told.append(str(error))
            told.append(ask("a cat", message_history=before))
    print(json.dumps(told))
elif what == "stream":
    asyncio.run(cancel_task(streamed(agents["chat"], "an owl")))
else:
    asyncio.run(cancel_task(agents[what].run("an owl")))
