"""openai-agents: its responses model, which is its default, and its chat model."""

import asyncio
import json
import os
import sys
import time
from pathlib import Path

import openai
from agents import Agent, OpenAIChatCompletionsModel, OpenAIResponsesModel, Runner, set_tracing_disabled

url, key, step, what = sys.argv[1:5]
set_tracing_disabled(True)


def wait_until_held() -> None:
    while not Path(os.environ["HELD"]).exists():
        time.sleep(0.05)


async def streamed(agent: Agent, asked: object) -> str:
    result = Runner.run_streamed(agent, asked)
    async for _ in result.stream_events():
        pass
    return str(result.final_output)


async def whole(agent: Agent, asked: object) -> str:
    return str((await Runner.run(agent, asked)).final_output)


async def main() -> None:
    client = openai.AsyncOpenAI(base_url=url, api_key=key, max_retries=0)
    kinds = {"chat": OpenAIChatCompletionsModel, "responses": OpenAIResponsesModel}
    agents = {
        name: Agent(name="painter", model=kind(model="imagerag", openai_client=client)) for name, kind in kinds.items()
    }
    told = []
    if step == "cancel" and what == "stream":
        result = Runner.run_streamed(agents["chat"], "an owl")
        async for _ in result.stream_events():
            await asyncio.to_thread(wait_until_held)
            result.cancel()
            print(json.dumps(["cancelled"]))
        return
    if step == "cancel":
        task = asyncio.create_task(Runner.run(agents[what], "an owl"))
        await asyncio.to_thread(wait_until_held)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            print(json.dumps(["cancelled"]))
        return
    for agent in agents.values():
        if step == "error":
            wrong, cat = {"role": "user", "content": what}, {"role": "user", "content": "a cat"}
            for ask in (whole, streamed):
                try:
                    told.append(await ask(agent, [wrong]))
                except openai.APIError as error:
                    told.append(str(error))
                told.append(await ask(agent, [wrong, cat]))
            continue
        result = await Runner.run(agent, "an owl")
        if step == "redraw":
            asked = [*result.to_input_list(), {"role": "user", "content": "make it red"}]
            result = await Runner.run(agent, asked)
        told.append(str(result.final_output))
    print(json.dumps(told))


asyncio.run(main())
