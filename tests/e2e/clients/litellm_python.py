"""litellm: chat completions, images and responses of an OpenAI-like server."""

import json
import sys

import litellm

url, key, step = sys.argv[1:4]
litellm.suppress_debug_info = True
server = {"api_base": url, "api_key": key, "max_retries": 0}
owl = [{"role": "user", "content": "an owl"}]


def chat(messages: list[dict[str, str]]) -> str:
    return litellm.completion("openai/imagerag", messages=messages, **server).choices[0].message.content


if step == "draw":
    image = litellm.image_generation(prompt="an owl", model="openai/imagerag", **server).data[0]
    response = litellm.responses(model="openai/imagerag", input="an owl", api_base=url, api_key=key)
    kinds = [item.type for item in response.output]
    fine = (image.b64_json or image.url) and "image_generation_call" in kinds
    print(json.dumps([chat(owl), response.output_text if fine else ""]))
elif step == "redraw":
    said = chat(owl)
    again = chat([*owl, {"role": "assistant", "content": said}, {"role": "user", "content": "make it red"}])
    print(json.dumps([again]))
elif step == "error":
    try:
        chat([{"role": "user", "content": " "}])
    except litellm.BadRequestError as error:
        print(json.dumps([str(error)]))
else:
    try:
        litellm.completion("openai/imagerag", messages=owl, timeout=3, **server)
    except litellm.Timeout as error:
        print(json.dumps([str(error)]))
