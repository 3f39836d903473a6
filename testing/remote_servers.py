"""Real servers on loopback that speak the protocols of remote generators, scripted to behave and to misbehave."""

import base64
import io
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

from PIL import Image


def a_png(colour: str = "red", size: int = 32) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (size, size), colour).save(buffer, "PNG")
    return buffer.getvalue()


def image_body(**usage: int) -> bytes:
    entry = {"b64_json": base64.b64encode(a_png()).decode()}
    return json.dumps({"created": 1, "data": [entry], **({"usage": usage} if usage else {})}).encode()


@dataclass
class Asked:
    """One request: its path, its fields, and the names of the files that came with it."""

    path: str
    fields: dict[str, Any]
    files: list[bytes]
    key: str


@dataclass(frozen=True)
class Answer:
    """``claimed`` is a length longer than the body: the connection ends in the middle."""

    body: bytes = field(default_factory=lambda: image_body(input_tokens=50, output_tokens=4000))
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "application/json"})
    claimed: int | None = None


class ImagesServer(ThreadingHTTPServer):
    """Answers ``/v1/images/generations`` and ``/edits`` by its script, from the number of the request to the answer."""

    daemon_threads = True

    def __init__(self, script: Callable[[int], Answer]) -> None:
        super().__init__(("127.0.0.1", 0), _Images)
        self.script = script
        self.asked: list[Asked] = []
        self.fetched: list[str] = []
        """Keys that came with requests for images by address."""
        self.paths: list[str] = []
        """Of these requests."""
        self.files: Callable[[str], Answer] = lambda path: Answer(a_png("blue"))
        """What is answered to them."""
        self.models = ("gpt-image-2",)
        """Those that ``/v1/models/NAME`` knows."""
        self.url = f"http://127.0.0.1:{self.server_address[1]}/v1"


class ScriptedHandler(BaseHTTPRequestHandler):
    """Sends answers as they are scripted, and logs nothing."""

    def _answer(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(answer.claimed or len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *_: Any) -> None:
        pass


def parts_of_form(kind: str, body: bytes) -> Iterator[tuple[Message, bytes]]:
    """Yield the parts of a form and what each contains, by the request's content type."""
    whole = BytesParser().parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
    for part in whole.get_payload():
        assert isinstance(part, Message)
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        yield part, content


class _Images(ScriptedHandler):
    server: ImagesServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        kind = self.headers["content-type"]
        fields: dict[str, Any] = {}
        files: list[bytes] = []
        if kind.startswith("multipart/form-data"):
            for part, content in parts_of_form(kind, body):
                name = str(part.get_param("name", header="content-disposition"))
                if name in ("image[]", "mask"):
                    files.append(content)
                else:
                    fields[name] = content.decode()
        else:
            fields = json.loads(body)
        self.server.asked.append(Asked(self.path, fields, files, self.headers.get("authorization", "")))
        self._answer(self.server.script(len(self.server.asked) - 1))

    def do_GET(self) -> None:
        if self.path.startswith("/v1/models/"):
            self._tell_of_model(self.path.rpartition("/")[2])
            return
        self.server.fetched.append(self.headers.get("authorization", ""))
        self.server.paths.append(self.path)
        self._answer(self.server.files(self.path))

    def _tell_of_model(self, name: str) -> None:
        known = name in self.server.models
        self.send_response(401 if self.headers.get("authorization") == "Bearer wrong" else 200 if known else 404)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")


Server = TypeVar("Server", bound=ThreadingHTTPServer)


@contextmanager
def served(server: Server) -> Iterator[Server]:
    """Serve until the block ends."""
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def images_server(script: Callable[[int], Answer] = lambda number: Answer()) -> Iterator[ImagesServer]:
    with served(ImagesServer(script)) as server:
        yield server


SAVED = [
    {"filename": "t.png", "subfolder": "", "type": "temp"},
    {"filename": "a.png", "subfolder": "", "type": "output"},
]
"""What ComfyUI's history tells of a node's images: one shown on the way, one saved."""


class Comfy:
    """ComfyUI's own routes, as far as a client needs them, in Starlette: what was asked, and what happens then.

    Attributes:
        prompts: workflows received. interrupted: whether ``/interrupt`` was called. uploads: names of images.
        running: the id of the drawing that the queue shows as under way.
        nodes: what ``/object_info`` says.
        fail: ``lost`` queues a workflow without an answer to it, ``node`` lets a node fail,
            ``refuse`` refuses the workflow, ``silent`` never goes on after a step,
            ``monitor`` tells only other things from then on, ``dropped`` hangs up then, ``deaf`` has no events at all,
            ``early`` says that it is done before the history does, ``interrupted`` that somebody stopped it.
        entry: of the drawing in the history. view: instead of its images.
        late: how many looks at the history it takes until the drawing is there.
        queued: whether the queue has the drawing meanwhile.
        answer: to a workflow, instead of ComfyUI's where it is one.
        past: the history of other drawings.
        asked: paths of all requests.
    """

    def __init__(self, fail: str = "", **faults: Any) -> None:
        self.fail = fail
        self.entry: Any = {"outputs": {"9": {"images": SAVED}}}
        self.late = 0
        self.past: Any = {}
        self.queued = True
        self.answer: Callable[[Any], Answer | None] = lambda workflow: None
        self.view: Answer | None = None
        self.asked: list[str] = []
        self.prompts: list[dict[str, Any]] = []
        self.uploads: list[str] = []
        self.interrupted = threading.Event()
        self.running = "p1"
        kinds = ("KSampler", "EmptyLatentImage", "CLIPTextEncode", "VAEDecode", "SaveImage")
        self.nodes: dict[str, Any] = {kind: {"input": {"required": {}}} for kind in kinds}
        checkpoints = {"ckpt_name": [["sdxl.safetensors", "other.safetensors"], {}]}
        self.nodes["CheckpointLoaderSimple"] = {"input": {"required": checkpoints}}
        self._clients: list[str] = []
        self._queued: Any = None
        for name, value in faults.items():
            assert hasattr(self, name), name
            setattr(self, name, value)

    def app(self) -> Any:
        import asyncio
        import struct

        from starlette.applications import Starlette
        from starlette.responses import JSONResponse, Response
        from starlette.routing import Route, WebSocketRoute

        async def prompt(request: Any) -> Any:
            body = await request.json()
            if self.fail == "refuse":
                return JSONResponse({"error": "bad", "node_errors": {"4": "no such checkpoint"}}, status_code=400)
            self.prompts.append(body["prompt"])
            self._clients.append(body["client_id"])
            self._queued.set()
            if self.fail == "lost":
                return Response(b"", status_code=504)
            if (answer := self.answer(body["prompt"])) is not None:
                return Response(answer.body, answer.status, answer.headers)
            return JSONResponse({"prompt_id": "p1", "number": 1})

        async def upload(request: Any) -> Any:
            form = await request.form()
            self.uploads.append(form["image"].filename)
            return JSONResponse({"name": form["image"].filename, "subfolder": "", "type": "input"})

        async def history(request: Any) -> Any:
            self.asked.append(request.url.path)
            self.late -= 1
            return JSONResponse({} if self.late >= 0 else {"p1": self.entry})

        async def view(request: Any) -> Any:
            if self.view is not None:
                return Response(self.view.body, self.view.status, self.view.headers)
            return Response(a_png("green" if request.query_params["filename"] == "a.png" else "black"))

        async def interrupt(request: Any) -> Any:
            self.interrupted.set()
            return Response(b"")

        async def queue(request: Any) -> Any:
            if request.method == "POST":
                return Response(b"")
            clients = self._clients if self.queued else []
            running = [[0, self.running, {}, {"client_id": client}, ["9"]] for client in clients]
            return JSONResponse({"queue_running": running, "queue_pending": []})

        async def system_stats(request: Any) -> Any:
            return JSONResponse({"system": {"comfyui_version": "0.3.99"}, "devices": []})

        async def object_info(request: Any) -> Any:
            return JSONResponse(self.nodes)

        async def all_history(request: Any) -> Any:
            return JSONResponse(self.past)

        async def socket(websocket: Any) -> None:
            if self.fail == "deaf":
                await websocket.close()
                return
            await websocket.accept()
            await self._queued.wait()

            async def say(kind: str, **data: Any) -> None:
                await websocket.send_text(json.dumps({"type": kind, "data": {"prompt_id": "p1", **data}}))

            await say("progress", value=5, max=7, prompt_id="somebody-elses")
            await say("progress", value=None, node="3")
            for nonsense in ("no JSON", "[1]", '{"type": "status"}', '{"type": "x", "data": 3}'):
                await websocket.send_text(nonsense)  # as custom nodes do
            for frame in (b"", b"\0\0\0\1", struct.pack(">II", 1, 2) + b"half a preview"):
                await websocket.send_bytes(frame)
            for step in (1, 2, 3):
                await say("progress", value=step, max=3, node="3")
                await websocket.send_bytes(struct.pack(">II", 1, 2) + a_png("grey", 8))
                if self.fail == "silent":
                    await asyncio.sleep(30)
                if self.fail == "dropped":
                    await websocket.close()
                    return
            while self.fail == "monitor":
                await websocket.send_text(json.dumps({"type": "crystools.monitor", "data": {"cpu": 7}}))
                await asyncio.sleep(0.02)
            if self.fail == "early":
                await say("execution_success")
                await asyncio.sleep(30)
            if self.fail == "interrupted":
                await say("execution_interrupted", node_type="KSampler")
            elif self.fail == "node":
                await say("execution_error", node_type="KSampler", exception_message="out of\nluck")
            else:
                await say("executing", node=None)
            await asyncio.sleep(5)

        @asynccontextmanager
        async def lifespan(app: Any) -> AsyncIterator[None]:
            self._queued = asyncio.Event()
            yield

        return Starlette(
            lifespan=lifespan,
            routes=[
                Route("/prompt", prompt, methods=["POST"]),
                Route("/upload/image", upload, methods=["POST"]),
                Route("/history/{prompt_id}", history),
                Route("/view", view),
                Route("/interrupt", interrupt, methods=["POST"]),
                Route("/queue", queue, methods=["GET", "POST"]),
                Route("/history", all_history),
                Route("/system_stats", system_stats),
                Route("/object_info", object_info),
                WebSocketRoute("/ws", socket),
            ],
        )


@contextmanager
def comfy_server(fail: str = "", **faults: Any) -> Iterator[tuple[Comfy, str]]:
    import socket
    import time

    import uvicorn

    comfy = Comfy(fail, **faults)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(comfy.app(), port=port, log_level="error", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield comfy, f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = server.force_exit = True  # without waiting for drawings that go on for ever
        thread.join(timeout=10)
