"""LangChain's ChatOpenAI: by chat completions and by responses."""

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import openai
from langchain_openai import ChatOpenAI

url, key, step, what = sys.argv[1:5]


def model(responses: bool, **more: Any) -> ChatOpenAI:
    return ChatOpenAI(model="imagerag", base_url=url, api_key=key, max_retries=0, use_responses_api=responses, **more)


owl = {"role": "user", "content": "an owl"}


def wait_until_held() -> None:
    while not Path(os.environ["HELD"]).exists():
        time.sleep(0.05)


async def cancel_task(responses: bool) -> None:
    task = asyncio.create_task(model(responses).ainvoke([owl]))
    await asyncio.to_thread(wait_until_held)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        print(json.dumps(["cancelled"]))


async def leave_stream() -> None:
    stream = model(False).astream([owl])
    async for _ in stream:
        break
    await asyncio.to_thread(wait_until_held)
    await stream.aclose()
    print(json.dumps(["left"]))


def streamed(asked: ChatOpenAI, messages: list[Any]) -> str:
    return "".join(chunk.text for chunk in asked.stream(messages))


told = []
if step == "cancel":
    if what == "timeout":
        try:
            model(False, timeout=3).invoke([owl])
        except openai.APITimeoutError as error:
            print(json.dumps([str(error)]))
    else:
        asyncio.run(leave_stream() if what == "stream" else cancel_task(what == "responses"))
    sys.exit()
for responses in (False, True):
    asked = model(responses)
    if step == "error":
        wrong, cat = {"role": "user", "content": what}, {"role": "user", "content": "a cat"}
        for ask in (lambda messages: asked.invoke(messages).text, lambda messages: streamed(asked, messages)):  # noqa: B023
            try:
                told.append(ask([wrong]))
            except openai.APIError as error:
                told.append(str(error))
            told.append(ask([wrong, cat]))
        continue
    answer = asked.invoke([owl])
    if step == "redraw":
        answer = asked.invoke([owl, answer, {"role": "user", "content": "make it red"}])
    told.append(answer.text)
print(json.dumps(told))
