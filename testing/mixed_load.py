"""What clients do all day on a server with the embedded engine: a function a kind, each of which checks its answers."""

import base64
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from PIL import Image

TIMEOUT = 300.0
"""Seconds after which an answer counts as lost, however long the queue is."""
ONE = {"max_generations": 1}
EITHER = {"accept": "application/json, text/event-stream"}
TWO = {"max_generations": 2}
SUBJECTS = ("an owl", "a lobster in a kimono", "a red fox", "two cats", "a crab on a boat", "a tiger", "a blue dog")


class Wrong(Exception):
    """The server answered what it must not, or not at all; the message says to what."""


class Refused(Exception):
    """The queue was full."""


class Client:
    """One client, with a key of its own.

    Args:
        url: of the server.
        key: tells it from others.

    Attributes:
        runs: drawings that it was given so far.
        number: counts its requests, from which prompts and seeds follow.
    """

    def __init__(self, url: str, key: str) -> None:
        self._http = httpx.Client(base_url=url, headers={"authorization": f"Bearer {key}"}, timeout=TIMEOUT)
        self.key = key
        self.runs = 0
        self.number = 0

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def prompt(self) -> str:
        """Return the next subject."""
        self.number += 1
        return SUBJECTS[self.number % len(SUBJECTS)]

    def ask(self, method: str, path: str, wanted: int = 200, **sent: Any) -> httpx.Response:
        """Return the answer to a request.

        Raises:
            Wrong: there is none, or it has another status than the one wanted.
            Refused: the queue is full.
        """
        try:
            reply = self._http.request(method, path, **sent)
        except httpx.HTTPError as error:
            raise Wrong(f"{method} {path}: lost ({type(error).__name__})") from error
        if reply.status_code == 429 and wanted != 429:
            raise Refused
        if reply.status_code != wanted:
            raise Wrong(f"{method} {path}: {reply.status_code} and not {wanted}: {reply.text[:200]}")
        return reply

    def stream(self, path: str, body: dict[str, Any], most: int | None = None) -> list[dict[str, Any]]:
        """Return the events of a streamed answer; hang up after so many of them.

        Raises:
            Wrong, Refused: as ``ask``; or the stream ended without its last event.
        """
        events: list[dict[str, Any]] = []
        whole = False
        try:
            with self._http.stream("POST", path, json={**body, "stream": True}) as reply:
                if reply.status_code == 429:
                    raise Refused
                if reply.status_code != 200:
                    raise Wrong(f"POST {path}, streamed: {reply.status_code}: {reply.read()[:200]!r}")
                for line in reply.iter_lines():
                    if not line.startswith("data: "):
                        continue
                    whole = line == "data: [DONE]"
                    if not whole:
                        events.append(json.loads(line[6:]))
                    if len(events) == most:
                        return events
        except httpx.HTTPError as error:
            raise Wrong(f"POST {path}, streamed: lost ({type(error).__name__})") from error
        if not whole and not str(events[-1].get("type", "")).endswith("completed"):
            raise Wrong(f"POST {path}, streamed: broke off after {len(events)} events")
        return events

    def open_session(self) -> dict[str, str]:
        """Open a session of the MCP server, and return the headers of what is sent in it.

        Raises:
            Wrong, Refused: as ``ask``.
        """
        about = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "soak", "version": "1"}}
        opened = self.ask("POST", "/mcp", json=_message("initialize", about, 1), headers=EITHER)
        headers = {**EITHER, "mcp-session-id": opened.headers["mcp-session-id"], "mcp-protocol-version": "2025-06-18"}
        self.ask("POST", "/mcp", 202, json=_message("notifications/initialized", {}), headers=headers)
        return headers

    @contextmanager
    def session(self) -> Iterator["Session"]:
        """Open a session of the MCP server, and end it.

        Raises:
            Wrong, Refused: as ``ask``.
        """
        headers = self.open_session()
        yield Session(self, headers)
        self.ask("DELETE", "/mcp", headers=headers)


class Session:
    """A session of the MCP server."""

    def __init__(self, client: Client, headers: dict[str, str]) -> None:
        self._client = client
        self._headers = headers
        self._number = 1

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Return what a tool returns as data.

        Raises:
            Wrong, Refused: as ``Client.ask``; or it is an error.
        """
        self._number += 1
        message = _message("tools/call", {"name": tool, "arguments": arguments}, self._number)
        reply = self._client.ask("POST", "/mcp", json=message, headers=self._headers)
        events = [json.loads(line[6:]) for line in reply.text.splitlines() if line.startswith("data: {")]
        result = (events or [reply.json()])[-1].get("result", {})
        if result.get("isError") or "structuredContent" not in result:
            raise Wrong(f"MCP {tool}: {reply.text[-300:]}")
        return dict(result["structuredContent"])


def _message(method: str, params: dict[str, Any], number: int | None = None) -> dict[str, Any]:
    message = {"jsonrpc": "2.0", "method": method, "params": params}
    return message if number is None else {**message, "id": number}


def images(client: Client) -> None:
    """Two images by the OpenAI API, one by address, fetched whole and small."""
    body = {"model": "imagerag", "prompt": client.prompt(), "seed": client.number, "imagerag": TWO}
    made = client.ask("POST", "/v1/images/generations", json=body).json()["data"][0]
    client.runs += 1
    for query in ("", "?size=64x64"):
        _as_image(client.ask("GET", made["url"] + query).content)
    made = client.ask("POST", "/v1/images/generations", json={**body, "response_format": "b64_json", "imagerag": ONE})
    client.runs += 1
    _as_image(base64.b64decode(made.json()["data"][0]["b64_json"]))


def chat(client: Client) -> None:
    """A conversation of three turns, as chat clients hold it: they send all of it again."""
    said: list[dict[str, Any]] = []
    for words in (client.prompt(), "now put it on a boat", "make it blue"):
        said.append({"role": "user", "content": words})
        body = {"model": "imagerag", "messages": said, "imagerag": ONE}
        answer = client.ask("POST", "/v1/chat/completions", json=body).json()
        client.runs += 1
        said.append({"role": "assistant", "content": answer["choices"][0]["message"]["content"]})


def streamed_chat(client: Client) -> None:
    """A streamed answer of the chat."""
    said = [{"role": "user", "content": client.prompt()}]
    client.stream("/v1/chat/completions", {"model": "imagerag", "messages": said, "imagerag": ONE})
    client.runs += 1


def responses(client: Client) -> None:
    """A streamed response, another that goes on from it, and both forgotten."""
    events = client.stream("/v1/responses", {"model": "imagerag", "input": client.prompt(), "imagerag": ONE})
    first = events[-1]["response"]["id"]
    client.runs += 1
    body = {"model": "imagerag", "input": "now in winter", "previous_response_id": first, "imagerag": ONE}
    second = client.ask("POST", "/v1/responses", json=body).json()["id"]
    client.runs += 1
    for name in (first, second):
        client.ask("GET", f"/v1/responses/{name}")
        client.ask("DELETE", f"/v1/responses/{name}")


def tools(client: Client) -> None:
    """The whole loop and single tools over MCP."""
    thread = f"{client.key}-{client.number}"
    with client.session() as session:
        made = session.call("create_image", prompt=client.prompt(), thread=thread, max_generations=1)
        client.runs += 1
        session.call("inspect_image", image_id=made["image"]["id"], concepts=["owl", "boat"], thread=thread)
        session.call("search_references", captions=[{"concept": "owl", "caption": "a snowy owl"}], k=3, thread=thread)


def uploads(client: Client) -> None:
    """A picture uploaded, edited by its id and as a form, and deleted."""
    file = io.BytesIO()
    Image.new("RGB", (300, 200), (client.number % 256, 90, 30)).save(file, "PNG")
    sent = {"file": ("a.png", file.getvalue(), "image/png")}
    name = client.ask("POST", "/v1/files", files=sent, data={"purpose": "vision"}).json()["id"]
    body = {"prompt": "a crab on a boat", "images": [{"file_id": name}], "imagerag": ONE}
    client.ask("POST", "/v1/images/edits", json=body)
    client.runs += 1
    form = {"prompt": client.prompt(), "imagerag": json.dumps(ONE)}
    client.ask("POST", "/v1/images/edits", files={"image": ("b.png", file.getvalue(), "image/png")}, data=form)
    client.runs += 1
    client.ask("GET", f"/v1/files/{name}/content")
    client.ask("GET", "/v1/files?limit=20")
    client.ask("DELETE", f"/v1/files/{name}")


def cancels(client: Client) -> None:
    """Hangs up in the middle of a stream, cancels a response in the background, and a run over MCP."""
    said = [{"role": "user", "content": client.prompt()}]
    client.stream("/v1/chat/completions", {"model": "imagerag", "messages": said}, most=3)
    body = {"model": "imagerag", "input": client.prompt(), "background": True}
    name = client.ask("POST", "/v1/responses", json=body).json()["id"]
    client.ask("POST", f"/v1/responses/{name}/cancel")
    with client.session() as session:
        started = session.call("start_image", prompt=client.prompt(), thread=f"{client.key}-cancelled")
        session.call("cancel_image", run_id=started["run_id"])


def wrong(client: Client) -> None:
    """Requests that are refused, each with the status that says why."""
    model, said = {"model": "imagerag"}, [{"role": "user", "content": "an owl"}]
    client.ask("POST", "/v1/images/generations", 400, content=b"{")
    client.ask("POST", "/v1/responses", 400, content=b"[" * 100_000)
    client.ask("POST", "/v1/images/generations", 400, json={**model, "prompt": 7})
    client.ask("POST", "/v1/images/generations", 404, json={"model": "no-such-model", "prompt": "an owl"})
    client.ask("POST", "/v1/chat/completions", 400, json={**model, "messages": said, "n": 5_000})
    content = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]
    client.ask("POST", "/v1/chat/completions", 400, json={**model, "messages": [{"role": "user", "content": content}]})
    client.ask("POST", "/v1/files", 400, files={"file": ("a.png", b"no picture")}, data={"purpose": "vision"})
    client.ask("GET", "/v1/files/file-0123", 404)
    client.ask("GET", "/v1/responses/resp_none", 404)
    client.ask("GET", "/images/0123", 404)
    client.ask("GET", "/no/such/place", 404)
    client.ask("POST", "/mcp", 400, content=b"{]", headers={**EITHER, "content-type": "application/json"})


def page(client: Client) -> None:
    """The page, what it loads, and the documents that programs read."""
    for path in ("/", "/page.js", "/page.css", "/web/threads", "/health", "/openapi.json", "/v1/models"):
        client.ask("GET", path)


def _as_image(file: bytes) -> None:
    try:
        Image.open(io.BytesIO(file)).load()
    except OSError as error:
        raise Wrong(f"an image that can't be read ({error})") from error


KINDS: tuple[Callable[[Client], None], ...] = (
    images, wrong, chat, page, responses, cancels, tools, streamed_chat, uploads,
)  # fmt: skip
"""All of them, drawings and quick ones in turn."""
