"""Gemini's ``generateContent`` on loopback, scripted to behave and to misbehave."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from typing import Any

from testing.remote_servers import Answer, ScriptedHandler, a_png, served


def picture_part(colour: str = "red", **more: Any) -> dict[str, Any]:
    """Return a part with a picture."""
    return {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(a_png(colour)).decode()}, **more}


def answer_of(*parts: dict[str, Any], reason: str = "STOP", status: int = 200, **more: Any) -> Answer:
    """Return an answer with one candidate of these parts."""
    body = {
        "candidates": [{"content": {"role": "model", "parts": list(parts)}, "finishReason": reason}],
        "usageMetadata": {"promptTokenCount": 20, "candidatesTokenCount": 1120, "thoughtsTokenCount": 80},
        **more,
    }
    return Answer(json.dumps(body).encode(), status)


def error_of(status: int, name: str, message: str, **detail: Any) -> Answer:
    """Return an error as Google's APIs have them."""
    error = {"code": status, "message": message, "status": name, "details": [detail] if detail else []}
    return Answer(json.dumps({"error": error}).encode(), status)


@dataclass
class AskedOfGemini:
    """One request: its path, its body, and the key that came with it."""

    path: str
    body: dict[str, Any]
    key: str


class GeminiServer(ThreadingHTTPServer):
    """Answers by its script, from the number of the request to the answer."""

    daemon_threads = True

    def __init__(self, script: Callable[[int], Answer]) -> None:
        super().__init__(("127.0.0.1", 0), _Gemini)
        self.script = script
        self.asked: list[AskedOfGemini] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}/v1beta"


class _Gemini(ScriptedHandler):
    server: GeminiServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append(AskedOfGemini(self.path, body, self.headers.get("x-goog-api-key", "")))
        self._answer(self.server.script(len(self.server.asked) - 1))

    def do_GET(self) -> None:
        known = self.path == "/v1beta/models/gemini-3.1-flash-image"
        if self.headers.get("x-goog-api-key") == "wrong":
            self._answer(error_of(400, "INVALID_ARGUMENT", "API key not valid", reason="API_KEY_INVALID"))
        else:
            self._answer(Answer(b"{}") if known else error_of(404, "NOT_FOUND", "models/x is not found"))


@contextmanager
def gemini_server(script: Callable[[int], Answer] = lambda number: answer_of(picture_part())) -> Iterator[GeminiServer]:
    """Serve until the block ends."""
    with served(GeminiServer(script)) as server:
        yield server
