"""The official Python SDK: chat completions, images and responses."""

import json
import sys

import openai

url, key, step = sys.argv[1:4]
client = openai.OpenAI(base_url=url, api_key=key, max_retries=0)
owl = [{"role": "user", "content": "an owl"}]
if step == "draw":
    chat = client.chat.completions.create(model="imagerag", messages=owl).choices[0].message.content
    image = client.images.generate(model="imagerag", prompt="an owl", response_format="b64_json").data[0]
    response = client.responses.create(model="imagerag", input="an owl")
    calls = [item.result for item in response.output if item.type == "image_generation_call"]
    print(json.dumps([chat, response.output_text if image.b64_json and calls else ""]))
elif step == "redraw":
    said = client.chat.completions.create(model="imagerag", messages=owl).choices[0].message.content
    asked = [*owl, {"role": "assistant", "content": said}, {"role": "user", "content": "make it red"}]
    chat = client.chat.completions.create(model="imagerag", messages=asked).choices[0].message.content
    first = client.responses.create(model="imagerag", input="an owl")
    second = client.responses.create(model="imagerag", input="make it red", previous_response_id=first.id)
    print(json.dumps([chat, second.output_text]))
elif step == "error":
    told = []
    for call in (
        lambda: client.chat.completions.create(model="imagerag", messages=[{"role": "user", "content": " "}]),
        lambda: client.responses.create(model="imagerag", input=" "),
        lambda: client.images.generate(model="imagerag", prompt=" "),
    ):
        try:
            call()
        except openai.BadRequestError as error:
            told.append(str(error))
    print(json.dumps(told))
else:
    try:
        client.with_options(timeout=3).images.generate(model="imagerag", prompt="an owl")
    except openai.APITimeoutError as error:
        print(json.dumps([str(error)]))
