"""Fuzz targets: what chat models, servers of images and people write, read without any file or process."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx
from hypothesis import strategies as st
from langchain_core.messages import AIMessage
from langchain_core.utils.function_calling import convert_to_openai_tool

from imagerag.chat_models import lenient_json
from imagerag.chat_models.answer_reading import AnswerReader
from imagerag.chat_models.endings import finish_reason, unsound_ending, was_cut_off
from imagerag.chat_models.providers import connect, is_remote
from imagerag.chat_models.reasoning import ReasoningFilter, without_reasoning
from imagerag.chat_models.tool_call_parser import StreamFilter, read_calls, text_parameters
from imagerag.credentials import without_credentials
from imagerag.errors import InvalidArgument, UserError
from imagerag.generators.base import UNCONTROLLED
from imagerag.generators.registry import check_generator, load_generator
from imagerag.generators.remote import image_addresses
from imagerag.generators.remote.bfl_images import BflImages
from imagerag.generators.remote.calling import Reply, TransientError
from imagerag.generators.remote.comfyui_events import _Events
from imagerag.generators.remote.comfyui_server import ComfyServer
from imagerag.generators.remote.fal_images import FalImages
from imagerag.generators.remote.gemini_images import GeminiImages
from imagerag.generators.remote.image_answers import first_image
from imagerag.generators.remote.job_polling import JobsApi
from imagerag.generators.remote.openai_images import OpenAIImages
from imagerag.generators.remote.recraft_images import RecraftImages
from imagerag.generators.remote.replicate_images import ReplicateImages
from imagerag.generators.remote.server_errors import has_error, said_in
from imagerag.generators.remote.stability_images import StabilityImages
from imagerag.net.bounded_body import BodyRefused, BoundedBody
from imagerag.net.public_addresses import is_public
from imagerag.prompt_grammar.parser import parse_scene
from imagerag.prompt_grammar.prompt_syntax import plain_prompt
from imagerag.server.uploads import own_addresses
from imagerag.store.data_urls import decoded
from imagerag.tools.builtin import make_tools
from testing.fuzz_inputs import json_bodies, json_values, texts_of
from testing.fuzzing import Target

SCHEMAS = [convert_to_openai_tool(tool) for tool in make_tools()]
KNOWN = text_parameters(SCHEMAS)

CALLS = [
    "<tool_call>", "</tool_call>", "<|python_tag|>", "[TOOL_CALLS]", "<function=generate>", "</function>", "```json",
    "```", "<think>", "</think>", "<|channel|>", "<|message|>", "<|call|>", "functions.", "generate", "inspect_image",
    '{"name": "generate", "arguments": {"prompt": "an owl"}}', '{"name":', '"arguments":', '"prompt"', "generate(",
    'prompt="an owl"', "prompt=", "<parameter=prompt>", "</parameter>", "<invoke name=", "<arg_key>", "<arg_value>",
    "{", "}", "[", "]", "(", ")", ",", ":", '"', "'", "\\", "\\u", "\\ud83e", "null", "True", "1e999", "-", "\n", " ",
    "//", "/*", "#",
]  # fmt: skip


def _read_answer(given: tuple[str, str, Any, int]) -> None:
    text, ending, call, size = given
    more: dict[str, Any] = {"reasoning_content": text} if ending == "thoughts" else {}
    if call is not None:
        more["function_call"] = call
    message = AIMessage(text, additional_kwargs=more, response_metadata={"finish_reason": ending})
    finish_reason(message), was_cut_off(message), unsound_ending(message)
    AnswerReader(SCHEMAS).read(message)
    read_calls(text, KNOWN, cut_off=True)
    without_reasoning(text)
    stream, thoughts = StreamFilter(KNOWN), ReasoningFilter()
    for at in range(0, min(len(text), 40 * size), size):
        stream.part(text[at : at + size])
        thoughts.part(text[at : at + size])
    stream.end()
    thoughts.part("", last=True)


def _read_json(text: str) -> None:
    for cut_off in (False, True):
        lenient_json.objects_in(text, cut_off=cut_off)
        lenient_json.loads(text, cut_off=cut_off)


PROMPTS = [
    "an owl", "two", "red", "and", "on", "in front of", "a boat", "cups of tea", "--no", "--ar 16:9", "--v", "::",
    "::-1", "(", ")", "((", ":1.2)", "[", "]", "<lora:x:1>", ",", ".", " ", "BREAK", "85mm", "photo of", "golden hour",
    "with", "background", "{", "|", "}", "__", "'s", "the", "\n", "not", "without", "no", "-", "\u200d", "\ufe0f", "🦞",
    "İ",
]  # fmt: skip


def _read_prompt(text: str) -> None:
    plain_prompt(text)
    scene = parse_scene(text, ("golden retriever", "hat"))
    parse_scene(scene.describe(), ("golden retriever", "hat"))
    scene.content_concepts(), scene.style_concepts()


ANSWER_KEYS = [
    "data", "images", "output", "artifacts", "b64_json", "base64", "url", "image_url", "error", "message", "code",
    "type", "status", "detail", "loc", "msg", "innererror", "finish_reason", "filtered", "usage", "input_tokens",
    "has_nsfw_concepts", "candidates", "content", "parts", "inlineData", "text", "thought", "finishReason",
    "promptFeedback", "blockReason", "usageMetadata", "promptTokenCount", "errors", "success", "state",
    "polling_url", "result", "sample", "cost", "status_url", "response_url", "cancel_url", "urls", "get", "cancel",
    "credits", "image", "id", "error_type",
]  # fmt: skip
ANSWER_WORDS = [
    "data:image/png;base64,AAAA", "data:", "http://127.0.0.1:9/a.png", "http://[", "/a.png", "AAAA", "SAFETY", "429",
    "failed", "rate limit", '{"error": "x"}', "[" * 5000, "Ready", "Pending", "COMPLETED", "IN_QUEUE", "succeeded",
    "Request Moderated",
]  # fmt: skip
OPENAI = OpenAIImages("m@http://127.0.0.1:9/v1")
GEMINI = GeminiImages("m@http://127.0.0.1:9/v1beta")
STABILITY, RECRAFT = StabilityImages("ultra@http://127.0.0.1:9"), RecraftImages("m@http://127.0.0.1:9/v1")
JOBS: list[JobsApi] = [kind("m@http://127.0.0.1:9") for kind in (BflImages, FalImages, ReplicateImages)]


def _read_image_answer(given: tuple[bytes, int, str]) -> None:
    body, status, kind = given
    said = said_in(body)
    said.meaning(status)
    reply = Reply(status, kind, body)
    reads: list[Callable[[], object]] = [
        lambda: OPENAI._read(reply, "/images/generations"),
        lambda: GEMINI._read(reply, UNCONTROLLED),
        lambda: STABILITY._read(reply),
        lambda: RECRAFT._read(reply, "/images/generations"),
    ]
    for jobs in JOBS:
        reads += [
            partial(lambda jobs: jobs._accepted(reply), jobs),
            partial(lambda jobs: jobs._is_done(jobs._body(reply)), jobs),
            partial(lambda jobs: (jobs._read(jobs._body(reply)), jobs._usage(jobs._body(reply))), jobs),
        ]
    for read in reads:
        try:
            read()
        except (TransientError, InvalidArgument, UserError):
            continue
    try:
        value = reply.json()
    except TransientError:
        return
    has_error(value)
    first_image(value)


COMFY_KEYS = [
    "prompt_id", "p", "node_errors", "error", "queue_running", "queue_pending", "outputs", "images", "filename",
    "subfolder", "type", "status", "status_str", "messages", "prompt", "client_id", "data", "name", "value", "max",
    "node", "exception_message",
]  # fmt: skip
COMFY_WORDS = ["p", "error", "execution_error", "progress", "executing", "output", "a.png"]


def _read_comfyui(given: tuple[bytes, int]) -> None:
    body, status = given
    transport = httpx.MockTransport(lambda request: httpx.Response(status, content=body))
    with httpx.Client(transport=transport, base_url="http://127.0.0.1:9") as client:
        server = ComfyServer(client, "comfyui:x")
        server.me = "p"
        asked: list[Any] = [
            lambda: server.queue({}, again=False),
            lambda: server.queue({}, again=True),
            server.known,
            lambda: server.is_queued("p"),
            lambda: server.image(server.entry("p") or {}),
        ]
        for ask in asked:
            try:
                ask()
            except (TransientError, InvalidArgument, UserError):
                continue


class _Socket:
    def __init__(self, message: str | bytes) -> None:
        self._message = message

    def recv(self, timeout: float) -> str | bytes:
        return self._message


def _hear(message: str | bytes) -> None:
    _Events(_Socket(message), "p", UNCONTROLLED).hear()


def _read_packed(given: tuple[str, list[bytes]]) -> None:
    encoding, pieces = given
    body = BoundedBody(encoding, 10_000)
    for piece in pieces:
        body.add(piece)
        assert len(body.data) <= 10_000


ADDRESSES = [
    "http://", "https://", "data:", "user:secret@", "[::1]", "[", "]", "127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::1",
    "%", "%25eth0", ":99999", ":", "/", "//", "?", "#", "@", "\\", "\0", "example.org", "/images/", "0" * 32, ".png",
    "![", "](", ")", "\n", " ",
]  # fmt: skip


def _read_address(text: str) -> None:
    list(own_addresses(text))
    if "hunter2" not in text:  # hypothesis takes constants of the code as inputs, and a path is no credential
        assert "hunter2" not in without_credentials(f"http://user:hunter2@example.org/{text[:100]}")
    without_credentials(text)
    base = "http://127.0.0.1:9/v1"
    asked: list[Any] = [
        lambda: is_public(text),
        lambda: decoded(text),
        lambda: image_addresses.own_addresses(text, base, f"{base}/images/generations"),
    ]
    for ask in asked:
        try:
            ask()
        except (ValueError, httpx.InvalidURL):
            continue


def _take_name(given: tuple[str, str]) -> None:
    kind, text = given
    for take in (check_generator, load_generator, connect, is_remote):
        try:
            take(f"{kind}:m@{text}")
        except UserError:
            continue


def _deflated() -> list[bytes]:
    import gzip
    import zlib

    return [gzip.compress(b"x" * 50_000), zlib.compress(b"y" * 500), gzip.compress(b""), b"\x1f\x8b", b"plain"]


PARSERS = (
    Target(
        "answers",
        st.tuples(
            texts_of(CALLS),
            st.sampled_from(["stop", "length", "thoughts", "tool_calls", ""]),
            st.none() | json_values(["name", "arguments"], ["generate", "{}", '{"prompt": "x"}', "[" * 5000]),
            st.sampled_from([1, 7, 1000, 10_000]),
        ),
        _read_answer,
        allowed=(),
        known=tuple(
            (text, "stop", None, 10_000)
            for text in (
                '{"name":</think>' * 12_500,
                '{"a": "' + "</think>" * 25_000 + '"}',
                '{"a":1}' + "</think> x" * 20_000,
                "<think></think>" * 13_000,
                "\n" * 20_000,
                "\n" * 19_000 + "<tool_call>",
                "assistant" * 2_200,
                "<|channel|>commentary " * 900,
                "<function=" * 2_000,
                "```" + "\n" * 19_900,
                "Action:\n" * 2_500,
                "generate(" + " " * 19_000,
                "{" + " " * 19_000,
                '{"name": "generate"}' + "\n" * 19_000 + "x",
            )
        ),
    ),
    Target(
        "lenient_json",
        texts_of(CALLS),
        _read_json,
        allowed=(lenient_json.Uncertain,),
        known=('"x\U001007ff{' * 50_000,),
    ),
    Target("prompts", texts_of(PROMPTS, 20_000), _read_prompt, allowed=()),
    Target(
        "image_answers",
        st.tuples(
            json_bodies(ANSWER_KEYS, ANSWER_WORDS),
            st.sampled_from([200, 400, 401, 404, 429, 500]),
            st.sampled_from(["application/json", "image/png", "text/html"]),
        ),
        _read_image_answer,
        allowed=(ValueError,),
    ),
    Target(
        "comfyui",
        st.tuples(json_bodies(COMFY_KEYS, COMFY_WORDS), st.sampled_from([200, 400, 500])),
        _read_comfyui,
    ),
    Target(
        "comfyui_events",
        json_values(["type", "data", *COMFY_KEYS], COMFY_WORDS).map(json.dumps)
        | st.sampled_from(["[" * 200_000, '{"a":' * 200_000])
        | st.binary(max_size=60).map(lambda data: b"\0\0\0\1\0\0\0\1" + data),
        _hear,
    ),
    Target(
        "packed_bodies",
        st.tuples(
            st.sampled_from(["gzip", "deflate", "", "identity", "br", "gzip, gzip", ",", "GZIP "])
            | st.text(max_size=9),
            st.lists(st.sampled_from(_deflated()) | st.binary(max_size=40), max_size=5),
        ),
        _read_packed,
        allowed=(BodyRefused,),
        mebibytes=50,
    ),
    Target("addresses", texts_of(ADDRESSES), _read_address, allowed=()),
    Target(
        "names",
        st.tuples(st.sampled_from(["openai", "google_genai", "comfyui", "clip", "", ":"]), texts_of(ADDRESSES, 2000)),
        _take_name,
        seconds=30,  # the first one loads a library
    ),
)
"""All of them."""
