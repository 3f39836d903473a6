"""openai-agents: its responses model, which is its default, and its chat model."""

import asyncio
import json
import sys

import openai
from agents import Agent, OpenAIChatCompletionsModel, OpenAIResponsesModel, Runner, set_tracing_disabled

url, key, step = sys.argv[1:4]
set_tracing_disabled(True)


async def main() -> None:
    client = openai.AsyncOpenAI(base_url=url, api_key=key, max_retries=0)
    kinds = (OpenAIChatCompletionsModel, OpenAIResponsesModel)
    agents = [Agent(name="painter", model=kind(model="imagerag", openai_client=client)) for kind in kinds]
    told = []
    if step == "cancel":
        try:
            await asyncio.wait_for(Runner.run(agents[1], "an owl"), 3)
        except TimeoutError:
            print(json.dumps(["left"]))
        return
    for agent in agents:
        try:
            result = await Runner.run(agent, " " if step == "error" else "an owl")
        except openai.BadRequestError as error:
            told.append(str(error))
            continue
        if step == "redraw":
            asked = [*result.to_input_list(), {"role": "user", "content": "make it red"}]
            result = await Runner.run(agent, asked)
        told.append(str(result.final_output))
    print(json.dumps(told))


asyncio.run(main())
