"""OpenAI's chat protocol as other servers speak it: thoughts in a field of their own, arguments as objects."""

import json
import warnings
from collections.abc import Iterator
from typing import Any

import openai
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_openai import ChatOpenAI

from imagerag.chat_models.lenient_json import Uncertain, unpacked
from imagerag.chat_models.reasoning import THOUGHTS

FIELDS = ("reasoning_content", "reasoning")
"""Names of the field with thoughts, which LangChain drops: of DeepSeek, vLLM and llama.cpp; of OpenRouter, Ollama."""

# OpenAI's client complains of arguments that came as an object, which are mended here, to whoever sits at the terminal.
warnings.filterwarnings("ignore", message=r"Pydantic serializer warnings:\s+.*field_name='arguments'")


class ChatOpenAIServer(ChatOpenAI):
    """A chat model behind OpenAI's protocol, or behind what a server takes for it."""

    def _create_chat_result(
        self, response: dict[str, Any] | openai.BaseModel, generation_info: dict[str, Any] | None = None
    ) -> ChatResult:
        told = response if isinstance(response, dict) else response.model_dump(warnings=False)
        choices = [choice for choice in told.get("choices") or () if isinstance(choice, dict)]
        messages = [choice["message"] for choice in choices if isinstance(choice.get("message"), dict)]
        mended = [_with_arguments_as_text(message) for message in messages]
        result = super()._create_chat_result(told if any(mended) else response, generation_info)
        if len(messages) == len(result.generations):
            for message, generation in zip(messages, result.generations, strict=True):
                if isinstance(generation.message, AIMessage):
                    _keep_thoughts(generation.message, message)
        return result

    def _convert_chunk_to_generation_chunk(
        self, chunk: dict[str, Any], default_chunk_class: type, base_generation_info: dict[str, Any] | None
    ) -> ChatGenerationChunk | None:
        for choice in chunk.get("choices") or ():
            _with_arguments_as_text(choice.get("delta") or {}, whole=False)
        made = super()._convert_chunk_to_generation_chunk(chunk, default_chunk_class, base_generation_info)
        deltas: Iterator[Any] = (choice.get("delta") for choice in chunk.get("choices") or ())
        if made is not None and isinstance(made.message, AIMessageChunk) and (delta := next(deltas, None)):
            _keep_thoughts(made.message, delta)
        return made


def _with_arguments_as_text(message: dict[str, Any], *, whole: bool = True) -> bool:
    """Write arguments that came as an object, or encoded twice, as the protocol has them; tell whether any did.

    Args:
        message: mended in place.
        whole: the arguments are; pieces of a stream may look like anything.
    """
    mended = False
    for call in message.get("tool_calls") or ():
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict):
            continue
        given = function.get("arguments")
        if isinstance(given, str) and not (whole and given.lstrip().startswith('"')):
            continue
        try:
            value = unpacked(given)
        except Uncertain:
            continue  # LangChain tells that it is no JSON
        if given is not None and isinstance(value, dict):
            function["arguments"] = json.dumps(value)
            mended = True
    return mended


def _keep_thoughts(message: AIMessage, told: dict[str, Any]) -> None:
    thoughts = next((told[field] for field in FIELDS if isinstance(told.get(field), str) and told[field]), None)
    if thoughts is not None:
        message.additional_kwargs[THOUGHTS] = thoughts
