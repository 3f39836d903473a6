"""LangChain's ChatOpenAI: by chat completions and by responses."""

import json
import sys

import openai
from langchain_openai import ChatOpenAI

url, key, step = sys.argv[1:4]
models = [
    ChatOpenAI(model="imagerag", base_url=url, api_key=key, max_retries=0, use_responses_api=responses)
    for responses in (False, True)
]
owl = {"role": "user", "content": "an owl"}
told = []
if step == "cancel":
    try:
        ChatOpenAI(model="imagerag", base_url=url, api_key=key, max_retries=0, timeout=3).invoke([owl])
    except openai.APITimeoutError as error:
        print(json.dumps([str(error)]))
    sys.exit()
for model in models:
    if step == "error":
        try:
            model.invoke([{"role": "user", "content": " "}])
        except openai.BadRequestError as error:
            told.append(str(error))
        continue
    answer = model.invoke([owl])
    if step == "redraw":
        answer = model.invoke([owl, answer, {"role": "user", "content": "make it red"}])
    told.append(answer.text)
print(json.dumps(told))
