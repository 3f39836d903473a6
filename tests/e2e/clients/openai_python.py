"""The official Python SDK: chat completions, images and responses, whole and streamed, and its client for asyncio."""

import asyncio
import json
import os
import sys
import time
from pathlib import Path

import openai

url, key, step, what = sys.argv[1:5]
client = openai.OpenAI(base_url=url, api_key=key, max_retries=0)
model = "imagerag"
owl = [{"role": "user", "content": "an owl"}]


def chat(messages: list[dict[str, str]]) -> str:
    return client.chat.completions.create(model=model, messages=messages).choices[0].message.content


def chat_stream(messages: list[dict[str, str]]) -> str:
    chunks = client.chat.completions.create(model=model, messages=messages, stream=True)
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


def response_stream(prompt: str) -> str:
    for event in client.responses.create(model=model, input=prompt, stream=True):
        if event.type == "response.failed":
            return f"failed: {event.response.error.message}"
        if event.type == "response.completed":
            return event.response.output_text
    return "the stream had no end"


def wait_until_held() -> None:
    while not Path(os.environ["HELD"]).exists():
        time.sleep(0.05)


def close(stream: object) -> None:
    next(iter(stream))
    wait_until_held()
    stream.close()
    print(json.dumps(["closed"]))


async def draw_in_pieces(own: openai.AsyncOpenAI) -> None:
    async for _ in await own.images.generate(model=model, prompt="an owl", stream=True, partial_images=1):
        pass


async def cancel_task() -> None:
    own = openai.AsyncOpenAI(base_url=url, api_key=key, max_retries=0)
    streams = what == "image stream"
    asked = draw_in_pieces(own) if streams else own.chat.completions.create(model=model, messages=owl)
    task = asyncio.create_task(asked)
    await asyncio.to_thread(wait_until_held)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        print(json.dumps(["cancelled"]))


if step == "draw":
    image = client.images.generate(model=model, prompt="an owl", response_format="b64_json").data[0]
    response = client.responses.create(model=model, input="an owl")
    calls = [item.result for item in response.output if item.type == "image_generation_call"]
    print(json.dumps([chat(owl), response.output_text if image.b64_json and calls else ""]))
elif step == "redraw":
    asked = [*owl, {"role": "assistant", "content": chat(owl)}, {"role": "user", "content": "make it red"}]
    first = client.responses.create(model=model, input="an owl")
    second = client.responses.create(model=model, input="make it red", previous_response_id=first.id)
    print(json.dumps([chat(asked), second.output_text]))
elif step == "error":
    told = []
    wrong, cat = {"role": "user", "content": what}, {"role": "user", "content": "a cat"}
    for call, again in (
        (lambda: chat([wrong]), lambda: chat([wrong, cat])),
        (lambda: chat_stream([wrong]), lambda: chat_stream([wrong, cat])),
        (
            lambda: client.responses.create(model=model, input=[wrong]).output_text,
            lambda: client.responses.create(model=model, input=[wrong, cat]).output_text,
        ),
        (lambda: response_stream(what), lambda: response_stream("a cat")),
        (
            lambda: client.images.generate(model=model, prompt=what),
            lambda: client.images.generate(model=model, prompt="a cat").data and "satisfied",
        ),
    ):
        try:
            told.append(call())
        except openai.APIError as error:
            told.append(str(error))
        told.append(again())
    print(json.dumps(told))
elif what == "timeout":
    try:
        client.with_options(timeout=3).images.generate(model=model, prompt="an owl")
    except openai.APITimeoutError as error:
        print(json.dumps([str(error)]))
elif what == "chat stream":
    close(client.chat.completions.create(model=model, messages=owl, stream=True))
elif what == "response stream":
    close(client.responses.create(model=model, input="an owl", stream=True))
else:
    asyncio.run(cancel_task())
