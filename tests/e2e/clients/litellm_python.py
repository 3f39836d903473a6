"""litellm: chat completions, images and responses of an OpenAI-like server."""

import asyncio
import json
import os
import sys
import time
from pathlib import Path

import litellm
import openai

url, key, step, what = sys.argv[1:5]
litellm.suppress_debug_info = True
model = "openai/imagerag"
server = {"api_base": url, "api_key": key, "max_retries": 0}
owl = [{"role": "user", "content": "an owl"}]


def chat(messages: list[dict[str, str]]) -> str:
    return litellm.completion(model, messages=messages, **server).choices[0].message.content


def chat_stream(messages: list[dict[str, str]]) -> str:
    chunks = litellm.completion(model, messages=messages, stream=True, **server)
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


def wait_until_held() -> None:
    while not Path(os.environ["HELD"]).exists():
        time.sleep(0.05)


async def cancel_task() -> None:
    task = asyncio.create_task(litellm.acompletion(model, messages=owl, **server))
    await asyncio.to_thread(wait_until_held)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        print(json.dumps(["cancelled"]))


if step == "draw":
    image = litellm.image_generation(prompt="an owl", model=model, **server).data[0]
    response = litellm.responses(model=model, input="an owl", api_base=url, api_key=key)
    kinds = [item.type for item in response.output]
    fine = (image.b64_json or image.url) and "image_generation_call" in kinds
    print(json.dumps([chat(owl), response.output_text if fine else ""]))
elif step == "redraw":
    said = chat(owl)
    again = chat([*owl, {"role": "assistant", "content": said}, {"role": "user", "content": "make it red"}])
    print(json.dumps([again]))
elif step == "error":
    told = []
    wrong, cat = {"role": "user", "content": what}, {"role": "user", "content": "a cat"}
    for call in (chat, chat_stream):
        try:
            told.append(call([wrong]))
        except openai.APIError as error:  # what all of litellm's errors are
            told.append(str(error))
        told.append(call([wrong, cat]))
    print(json.dumps(told))
elif what == "timeout":
    try:
        litellm.completion(model, messages=owl, timeout=3, **server)
    except litellm.Timeout as error:
        print(json.dumps([str(error)]))
elif what == "chat stream":
    stream = litellm.completion(model, messages=owl, stream=True, **server)
    next(stream)
    wait_until_held()
    stream.completion_stream.close()
    print(json.dumps(["closed"]))
else:
    asyncio.run(cancel_task())
