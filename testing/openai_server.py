"""A real HTTP server on loopback that speaks OpenAI's chat protocol, scripted to behave and to misbehave."""

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Call = tuple[str, Any]
"""Tool name and arguments; arguments that are a string are sent as they are, JSON or not."""


@dataclass(frozen=True)
class Reply:
    """One answer of the server.

    Attributes:
        text, calls: of the assistant's message.
        usage: tokens of the question and of the answer; ``None`` reports none.
        status, headers: of the HTTP response; other than 200, the body is an error of OpenAI's shape.
        body: sent instead of all that, as it is.
        delay: seconds before anything is sent.
        cut: reset the connection after this share (0..1) of the body.
        drip: seconds between the bytes of the body.
        extra: further fields of the message, such as ``refusal``; fields of ours are replaced by them.
        finish: ``finish_reason`` of the answer; that of a sound one unless given.
        logprobs: of the tokens, told where the request asks for them.
    """

    text: str | None = None
    calls: Sequence[Call] = ()
    usage: tuple[int, int] | None = (100, 10)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    delay: float = 0.0
    cut: float | None = None
    drip: float = 0.0
    extra: dict[str, Any] = field(default_factory=dict)
    logprobs: list[dict[str, Any]] | None = None
    finish: str | None = None


Script = Callable[[dict[str, Any], int], Reply]
"""From the request and its number (from 0) to the reply."""


class OpenAIServer(ThreadingHTTPServer):
    """Answers ``POST /v1/chat/completions`` by its script and keeps every request.

    Attributes:
        requests: bodies received, in order.
        headers: of the requests, keys in lower case.
        paths: of the requests.
        stream_type: media type of an answer that is streamed.
    """

    daemon_threads = True
    stream_type = "text/event-stream"

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.closing = threading.Event()
        self.lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    @property
    def name(self) -> str:
        """What ``--vlm`` takes."""
        return f"openai:scripted@{self.url}"

    def streams(self, request: dict[str, Any], path: str) -> bool:
        """Tell whether the answer is to be streamed."""
        return bool(request.get("stream"))

    def refuses(self, request: dict[str, Any]) -> str | None:
        """Return why this protocol takes no such request, in OpenAI's own words; ``None`` if it does."""
        for place, message in enumerate(request.get("messages", ())):
            if message["role"] != "user" and "image_url" in json.dumps(message.get("content")):
                role = message["role"]
                return (
                    f"Invalid 'messages[{place}]'. Image URLs are only allowed for messages with role 'user', but this "
                    f"message with role '{role}' contains an image URL."
                )
        return None

    def asks_for_logprobs(self, request: dict[str, Any]) -> bool:
        """Tell whether the request asks for log-probabilities with their alternatives, in this protocol's words."""
        return request.get("logprobs") is True and bool(request.get("top_logprobs"))

    def body(self, reply: Reply, stream: bool) -> bytes:
        """Return a reply in this protocol."""
        return _body(reply, stream)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are part of the script."""


@contextmanager
def serving(script: Script | Sequence[Reply], protocol: type[OpenAIServer] = OpenAIServer) -> Iterator[OpenAIServer]:
    """Serve the script until the block ends; a sequence must not run out."""
    replies = script if callable(script) else lambda request, number: script[number]
    server = protocol(replies)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: OpenAIServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with self.server.lock:
            number = len(self.server.requests)
            self.server.requests.append(request)
            self.server.paths.append(self.path)
            self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
        try:
            reply = self.server.script(request, number)
        except IndexError:
            reply = Reply(status=500, body=b'{"error": {"message": "the script ran out"}}')
        if (wrong := self.server.refuses(request)) is not None:
            reply = Reply(wrong, status=400)
        self.server.closing.wait(reply.delay)
        stream = self.server.streams(request, self.path)
        if not self.server.asks_for_logprobs(request):
            reply = replace(reply, logprobs=None)
        body = reply.body if reply.body is not None else self.server.body(reply, stream)
        self.send_response(reply.status)
        streamed = stream and reply.status == 200 and reply.body is None
        self.send_header("content-type", self.server.stream_type if streamed else "application/json")
        self.send_header("content-length", str(len(body)))
        self.send_header("connection", "close")  # a kept connection would outlive the server
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if reply.cut is not None:
            self.wfile.write(body[: int(len(body) * reply.cut)])
            self.wfile.flush()
            # A reset, not an orderly end: what a dying server or proxy leaves.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()
        elif reply.drip:
            for byte in body:
                if self.server.closing.is_set():
                    break
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                time.sleep(reply.drip)
        else:
            self.wfile.write(body)


def _body(reply: Reply, stream: bool) -> bytes:
    if reply.status != 200:
        return json.dumps({"error": {"message": reply.text or "no", "type": "scripted", "code": None}}).encode()
    calls = [
        {
            "id": f"call_{number}",
            "type": "function",
            "function": {"name": name, "arguments": given if isinstance(given, str) else json.dumps(given)},
        }
        for number, (name, given) in enumerate(reply.calls)
    ]
    message: dict[str, Any] = {"role": "assistant", "content": reply.text}
    if calls:
        message["tool_calls"] = calls
    message |= reply.extra
    usage = None
    if reply.usage is not None:
        asked, answered = reply.usage
        usage = {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered}
    reason = reply.finish or ("tool_calls" if calls else "stop")
    head = {"id": "chatcmpl-1", "created": 1, "model": "scripted"}
    if not stream:
        choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": reason}
        if reply.logprobs is not None:
            choice["logprobs"] = {"content": reply.logprobs}
        return json.dumps({**head, "object": "chat.completion", "choices": [choice], "usage": usage}).encode()
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": piece} for piece in (reply.text or "")]
    deltas += [{"tool_calls": [{"index": number, **call}]} for number, call in enumerate(calls)]
    deltas += [{name: value} for name, value in reply.extra.items()]
    chunks: list[dict[str, Any]] = [
        {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas
    ]
    chunks += [{"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}, {"choices": [], "usage": usage}]
    lines = [json.dumps({**head, "object": "chat.completion.chunk", **chunk}) for chunk in chunks]
    return "".join(f"data: {line}\n\n" for line in [*lines, "[DONE]"]).encode()
