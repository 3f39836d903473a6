"""Just enough of the protocols of Anthropic, Gemini and Ollama, over the same scripts as OpenAI's."""

import base64
import binascii
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar

from PIL import Image

from testing.openai_server import OpenAIServer, Reply


def pictures_in(value: Any) -> list[tuple[int, int]]:
    """Return the sizes in pixels of the images in a request, wherever a protocol puts their Base64."""
    if isinstance(value, dict):
        return [size for inner in value.values() for size in pictures_in(inner)]
    if isinstance(value, list):
        return [size for inner in value for size in pictures_in(inner)]
    if not isinstance(value, str) or len(value) < 60:
        return []
    try:
        return [Image.open(io.BytesIO(base64.b64decode(value.rpartition(",")[2], validate=True))).size]
    except (binascii.Error, OSError):
        try:
            return [Image.open(io.BytesIO(base64.urlsafe_b64decode(value))).size]
        except (binascii.Error, OSError):
            return []


class AnthropicServer(OpenAIServer):
    """``POST /v1/messages``."""

    variables: ClassVar = {"ANTHROPIC_API_KEY": "sk-ant-test"}
    name = "anthropic:claude-opus-5"
    address = "ANTHROPIC_API_URL"

    def body(self, reply: Reply, stream: bool) -> bytes:
        if reply.status != 200:
            kind = "rate_limit_error" if reply.status == 429 else "invalid_request_error"
            return json.dumps({"type": "error", "error": {"type": kind, "message": reply.text or "no"}}).encode()
        asked, answered = reply.usage or (0, 0)
        blocks: list[dict[str, Any]] = [{"type": "text", "text": reply.text}] if reply.text else []
        blocks += [
            {"type": "tool_use", "id": f"toolu_{number}", "name": name, "input": given}
            for number, (name, given) in enumerate(reply.calls)
        ]
        message = {
            "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-5", "content": blocks,
            "stop_reason": "tool_use" if reply.calls else "end_turn", "stop_sequence": None,
            "usage": {"input_tokens": asked, "output_tokens": answered},
        }  # fmt: skip
        if not stream:
            return json.dumps(message).encode()
        return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in _events(message)).encode()


def _events(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    usage = message["usage"]
    opened = {**message, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    yield {"type": "message_start", "message": opened}
    for index, block in enumerate(message["content"]):
        if block["type"] == "text":
            empty, delta = {**block, "text": ""}, {"type": "text_delta", "text": block["text"]}
        else:
            empty = {**block, "input": {}}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        yield {"type": "content_block_start", "index": index, "content_block": empty}
        yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    ended = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield {"type": "message_delta", "delta": ended, "usage": usage}
    yield {"type": "message_stop"}


class TogetherServer(OpenAIServer):
    """``POST /v1/chat/completions`` with log-probabilities in the form of OpenAI's older protocol."""

    variables: ClassVar = {"TOGETHER_API_KEY": "tg-test"}
    name = "together:Qwen/Qwen3-VL-8B-Instruct"
    address = "TOGETHER_API_BASE"

    def asks_for_logprobs(self, request: dict[str, Any]) -> bool:
        return bool(request.get("logprobs"))

    def body(self, reply: Reply, stream: bool) -> bytes:
        answer = json.loads(super().body(replace(reply, logprobs=None), stream))
        if reply.logprobs is not None:
            answer["choices"][0]["logprobs"] = {
                "content": None,
                "tokens": [token["token"] for token in reply.logprobs],
                "token_logprobs": [token["logprob"] for token in reply.logprobs],
                "top_logprobs": [
                    {one["token"]: one["logprob"] for one in token["top_logprobs"]} for token in reply.logprobs
                ],
            }
        return json.dumps(answer).encode()


class GeminiServer(OpenAIServer):
    """``POST /v1beta/models/MODEL:generateContent`` and ``:streamGenerateContent``."""

    variables: ClassVar = {"GOOGLE_API_KEY": "AIza-test"}
    name = "google_genai:gemini-2.5-flash"
    address = "GOOGLE_GEMINI_BASE_URL"

    def streams(self, request: dict[str, Any], path: str) -> bool:
        return ":streamGenerateContent" in path

    def asks_for_logprobs(self, request: dict[str, Any]) -> bool:
        settings = request.get("generationConfig", {})
        return bool(settings.get("responseLogprobs") and settings.get("logprobs"))

    def body(self, reply: Reply, stream: bool) -> bytes:
        if reply.status != 200:
            status = "RESOURCE_EXHAUSTED" if reply.status == 429 else "INVALID_ARGUMENT"
            return json.dumps(
                {"error": {"code": reply.status, "message": reply.text or "no", "status": status}}
            ).encode()
        components: list[dict[str, Any]] = [{"text": reply.text}] if reply.text else []
        components += [{"functionCall": {"name": name, "args": given}} for name, given in reply.calls]
        answer: dict[str, Any] = {
            "candidates": [{"content": {"role": "model", "parts": components}, "finishReason": "STOP", "index": 0}],
            "modelVersion": "gemini-2.5-flash",
        }
        if reply.logprobs is not None:
            answer["candidates"][0]["logprobsResult"] = _logprobs_of_google(reply.logprobs)
        if reply.usage is not None:
            asked, answered = reply.usage
            answer["usageMetadata"] = {
                "promptTokenCount": asked, "candidatesTokenCount": answered, "totalTokenCount": asked + answered
            }  # fmt: skip
        text = json.dumps(answer)
        return (f"data: {text}\r\n\r\n" if stream else text).encode()


def _logprobs_of_google(tokens: list[dict[str, Any]]) -> dict[str, Any]:
    def candidate(told: dict[str, Any]) -> dict[str, Any]:
        return {"token": told["token"], "tokenId": 1, "logProbability": told["logprob"]}

    return {
        "chosenCandidates": [candidate(token) for token in tokens],
        "topCandidates": [{"candidates": [candidate(one) for one in token["top_logprobs"]]} for token in tokens],
    }


class OllamaServer(OpenAIServer):
    """``POST /api/chat``."""

    variables: ClassVar[dict[str, str]] = {}
    name = "ollama:qwen3-vl"
    address = "OLLAMA_HOST"
    stream_type = "application/x-ndjson"

    def streams(self, request: dict[str, Any], path: str) -> bool:
        return bool(request.get("stream", True))

    def body(self, reply: Reply, stream: bool) -> bytes:
        if reply.status != 200:
            return json.dumps({"error": reply.text or "no"}).encode()
        calls = [{"function": {"name": name, "arguments": given}} for name, given in reply.calls]
        message = {"role": "assistant", "content": reply.text or "", **({"tool_calls": calls} if calls else {})}
        asked, answered = reply.usage or (0, 0)
        head = {"model": "qwen3-vl", "created_at": "2026-11-23T00:00:00Z"}
        last = {"done": True, "done_reason": "stop", "prompt_eval_count": asked, "eval_count": answered}
        told = {} if reply.logprobs is None else {"logprobs": reply.logprobs}
        if not stream:
            return json.dumps({**head, "message": message, **told, **last}).encode()
        chunks = [{**head, "message": message, **told, "done": False}]
        chunks += [{**head, "message": {"role": "assistant", "content": ""}, **last}]
        return "".join(json.dumps(chunk) + "\n" for chunk in chunks).encode()
