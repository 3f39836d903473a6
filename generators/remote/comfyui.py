"""ComfyUI by its HTTP and websocket API: ``comfyui:WORKFLOW.json@http://HOST:PORT``, or without a file its default.

A workflow is one that ComfyUI exports in API format, with placeholders where a drawing differs: ``{{prompt}}``,
``{{seed}}``, ``{{scale}}`` and ``{{reference_1}}``, ``{{reference_2}}`` ... (names of uploaded images).
``{{negative_prompt}}``, ``{{steps}}``, ``{{guidance}}``, ``{{width}}``, ``{{height}}`` and ``{{checkpoint}}`` are
filled in, too.
"""

from __future__ import annotations

import json
import os
import re
import struct
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

from imagerag.errors import InvalidArgument, UserError
from imagerag.generators.base import (
    UNCONTROLLED,
    DrawControl,
    Drawing,
    DrawRequest,
    Reference,
    check_request,
)
from imagerag.generators.diffusion.words import conditioned, plain
from imagerag.generators.remote.calling import TransientError, answered, opened, retry_transient
from imagerag.store.png import encode_png, on_white

CHECKPOINT = "IMAGERAG_COMFYUI_CHECKPOINT"
"""The variable with the file name of the checkpoint, as ComfyUI lists it."""
DEFAULTS: Mapping[str, object] = {
    "negative_prompt": "lowres, blurry, watermark",
    "steps": 30,
    "guidance": 5.0,
    "width": 1024,
    "height": 1024,
}
TIMEOUT = 60.0
"""Seconds for one request; a drawing may take longer, since it tells its progress."""
SILENCE = 600.0
"""Seconds without a word of a drawing after which the server counts as lost: loading a large model is silent."""
RECENT = 20
"""Drawings of the history in which one's own is looked for after a try without an answer."""
PREVIEW = 1
"""First four bytes of a binary frame that holds a preview image (ComfyUI's ``BinaryEventTypes.PREVIEW_IMAGE``)."""

_NAME = re.compile(r"(?:(?P<file>.+)@)?(?P<url>https?://[^@\s]+)")
_HOLE = re.compile(r"\{\{(\w+)\}\}")


class ComfyUI:
    """Draws by a workflow on a ComfyUI server.

    A workflow with ``{{reference_k}}`` draws with references; where fewer are given than it has places, the last fills
    the rest. Without references ``NAME.plain.json`` beside it is used if it is there, else the default workflow.

    Attributes:
        url: of the server.
        workflows: with references and without; the same one where it takes none.

    Args:
        name: ``[WORKFLOW.json@]URL``.

    Raises:
        UserError: not such a name, or the workflow can't be used.
    """

    def __init__(self, name: str) -> None:
        found = _NAME.fullmatch(name)
        if found is None:
            raise UserError(f"generator 'comfyui:{name}' has no address; give comfyui:WORKFLOW.json@http://HOST:PORT")
        self.name = f"comfyui:{name}"
        self.url = found["url"].rstrip("/")
        bundled = Path(__file__).with_name("text_to_image.json")
        file = Path(found["file"]).expanduser() if found["file"] else bundled
        self._workflow = _read(file)
        self.max_references = len(_reference_holes(self._workflow))
        self._plain = self._workflow
        if self.max_references:
            beside = file.with_suffix(".plain.json")
            self._plain = _read(beside if beside.is_file() else bundled)
        self.workflows = (self._workflow, self._plain)
        text = json.dumps(self.workflows, sort_keys=True)
        self.revision = uuid.uuid5(uuid.NAMESPACE_URL, text).hex[:12]

    def draw(self, request: DrawRequest, control: DrawControl = UNCONTROLLED) -> list[Drawing]:
        """Draw one image per seed, one after the other; see ``Generator.draw``.

        Raises:
            InvalidArgument: no seeds, too many references, or the server can't be made to answer with an image.
            UserError: the server refuses the workflow.
        """
        check_request(request, self)
        words = conditioned(plain(request.prompt), request.references)
        drawings = []
        for number, seed in enumerate(request.seeds):
            image = self._one(request, words, seed, control.of_candidate(number, len(request.seeds)))
            drawings.append(Drawing(image, seed, {"words": words, "workflow": self.revision}))
        return drawings

    def _one(self, request: DrawRequest, words: str, seed: int, control: DrawControl) -> Image.Image:
        control.check()
        with httpx.Client(base_url=self.url, timeout=TIMEOUT) as client:
            try:
                names = [
                    retry_transient(lambda one=one: _uploaded(client, one), control.check, client.close)  # type: ignore[misc]
                    for one in request.references
                ]
                filled = self._filled(words, seed, names, request.reference_scale)
                return self._drawn(client, filled, control)
            except TransientError as failure:
                raise InvalidArgument(f"{self.name!r} drew nothing: {failure}; is ComfyUI running there?") from failure

    def _filled(self, words: str, seed: int, names: Sequence[str], scale: float) -> dict[str, Any]:
        workflow = self._workflow if names or not self.max_references else self._plain
        values: dict[str, object] = {**DEFAULTS, "prompt": words, "seed": seed, "scale": scale}
        for number in range(1, self.max_references + 1):
            if names:
                values[f"reference_{number}"] = names[min(number, len(names)) - 1]
        if os.environ.get(CHECKPOINT):
            values["checkpoint"] = os.environ[CHECKPOINT]
        filled: dict[str, Any] = _with_values(workflow, values)
        return filled

    def _drawn(self, client: httpx.Client, workflow: dict[str, Any], control: DrawControl) -> Image.Image:
        from websockets.exceptions import WebSocketException
        from websockets.sync.client import connect

        me = uuid.uuid4().hex
        address = self.url.replace("http", "ws", 1) + f"/ws?clientId={me}"
        try:
            with connect(address, open_timeout=TIMEOUT, max_size=64 * 2**20) as socket:
                tries = count()
                prompt_id = retry_transient(
                    lambda: _queued(client, workflow, me, self.name, again=next(tries) > 0), control.check, client.close
                )
                try:
                    _follow(socket, prompt_id, control)
                except BaseException:
                    _interrupt(client, prompt_id)
                    raise
        except (OSError, WebSocketException) as error:
            raise TransientError(f"the connection broke off ({type(error).__name__})") from error
        return retry_transient(lambda: _fetched(client, prompt_id), control.check, client.close)


def _follow(socket: Any, prompt_id: str, control: DrawControl) -> None:
    """Tell what the server says of one drawing, to its end.

    Raises:
        InvalidArgument: a node of the workflow failed.
        TransientError: not a word for too long.
    """
    heard = time.monotonic()
    while True:
        control.check()
        try:
            message = socket.recv(timeout=0.1)
        except TimeoutError:
            if time.monotonic() - heard > SILENCE:
                raise TransientError(f"not a word for {SILENCE:.0f} seconds") from None
            continue
        heard = time.monotonic()
        if isinstance(message, bytes):
            if control.wants_previews and len(message) > 8 and struct.unpack(">I", message[:4])[0] == PREVIEW:
                with suppress(TransientError):  # one preview less
                    control.preview(opened(message[8:]))
            continue
        kind, data = _event(message)
        if data.get("prompt_id", prompt_id) != prompt_id:
            continue
        if kind == "progress":
            with suppress(KeyError, TypeError, ValueError):  # a custom node's own idea of progress
                value, most = int(data["value"]), int(data["max"])
                control.step(value, most)
        elif kind == "execution_error":
            node, said = data.get("node_type", "a node"), str(data.get("exception_message", ""))[:200]
            raise InvalidArgument(f"ComfyUI's {node} failed: {' '.join(said.split())}")
        elif kind == "execution_success" or (kind == "executing" and data.get("node") is None):
            return


def _event(message: str) -> tuple[object, dict[str, Any]]:
    """Return the kind of an event and its data; nothing for what is none: custom nodes send what they like."""
    try:
        event = json.loads(message)
    except ValueError:
        return None, {}
    data = event.get("data") if isinstance(event, dict) else None
    return (event["type"], data) if isinstance(data, dict) and "type" in event else (None, {})


def _uploaded(client: httpx.Client, reference: Reference) -> str:
    """Upload a reference and return the name under which ``LoadImage`` finds it."""
    name = f"imagerag-{(reference.sha256 or uuid.uuid4().hex)[:16]}.png"
    data = encode_png(on_white(reference.image))
    files = {"image": (name, data, "image/png")}
    body = _answer(client, "POST", "/upload/image", files=files, data={"overwrite": "true"})
    folder = body.get("subfolder")
    return f"{folder}/{body['name']}" if folder else str(body["name"])


def _queued(client: httpx.Client, workflow: dict[str, Any], me: str, name: str, again: bool) -> str:
    """Put a drawing into the queue, or find the one that an earlier try put there without hearing of it."""
    known = _known(client, me) if again else None
    if known is not None:
        return known
    reply = answered(client, "POST", "/prompt", json={"prompt": workflow, "client_id": me})
    reply.refuse_passing()
    body = reply.json()
    if reply.status != 200:
        wrong = body.get("node_errors") or body.get("error")
        raise UserError(f"{name!r} refuses the workflow: {json.dumps(wrong)[:300]}; mend it in ComfyUI")
    return str(body["prompt_id"])


def _known(client: httpx.Client, me: str) -> str | None:
    """Return the id under which the server has a drawing of this client: running, waiting or done; ``None`` for none.

    Queue entries are ``[number, prompt_id, workflow, extra data, outputs]``, as ComfyUI's ``PromptQueue`` keeps them.
    """
    queue = _answer(client, "GET", "/queue")
    entries = [*queue.get("queue_running", ()), *queue.get("queue_pending", ())]
    done = _answer(client, "GET", "/history", params={"max_items": RECENT})
    entries += [entry.get("prompt") for entry in done.values() if isinstance(entry, dict)]
    for entry in entries:
        if (
            isinstance(entry, list)
            and len(entry) > 3
            and isinstance(entry[3], dict)
            and entry[3].get("client_id") == me
        ):
            return str(entry[1])
    return None


def _fetched(client: httpx.Client, prompt_id: str) -> Image.Image:
    """Return the drawing's first image; those that nodes only show on the way come after those they save."""
    outputs = (_answer(client, "GET", f"/history/{prompt_id}").get(prompt_id) or {}).get("outputs") or {}
    images = [image for output in outputs.values() for image in output.get("images", ())]
    images.sort(key=lambda image: image.get("type") != "output")
    if not images:
        raise InvalidArgument("ComfyUI's workflow saves no image; give it a SaveImage node")
    where = {key: images[0].get(key, "") for key in ("filename", "subfolder", "type")}
    return answered(client, "GET", "/view", params=where).image()


def _answer(client: httpx.Client, method: str, path: str, **sent: Any) -> dict[str, Any]:
    reply = answered(client, method, path, **sent)
    reply.refuse_passing()
    body = reply.json()
    if reply.status != 200 or not isinstance(body, dict):
        raise InvalidArgument(f"ComfyUI answered {reply.status} to {path}")
    return body


def _interrupt(client: httpx.Client, prompt_id: str) -> None:
    """Stop the drawing there, or take it out of the queue; the run has ended here, whatever the server makes of it.

    Old servers don't read ``prompt_id`` and stop whatever runs: they are asked only while it is this drawing.
    """
    try:
        client.post("/queue", json={"delete": [prompt_id]})
        running = _answer(client, "GET", "/queue").get("queue_running", ())
        if any(isinstance(entry, list) and prompt_id in entry[1:2] for entry in running):
            client.post("/interrupt", json={"prompt_id": prompt_id})
    except (httpx.HTTPError, RuntimeError, TransientError, InvalidArgument):  # gone, or hung up: nothing to stop
        return


def _read(file: Path) -> dict[str, Any]:
    try:
        workflow: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"workflow {str(file)!r} can't be read ({error}); give one in API format") from error
    nodes = list(workflow.values()) if isinstance(workflow, dict) else []
    if not nodes or not all(isinstance(node, dict) and "class_type" in node for node in nodes):
        raise UserError(f"workflow {str(file)!r} is not in API format; in ComfyUI choose: Export (API)")
    if "prompt" not in set(_holes(workflow)):
        raise UserError(f"workflow {str(file)!r} has no {{{{prompt}}}}; put it where the text goes")
    unknown = sorted(hole for hole in _holes(workflow) if not _is_known(hole))
    if unknown:
        raise UserError(f"workflow {str(file)!r} has {{{{{unknown[0]}}}}}, which is not known")
    return workflow


def _is_known(hole: str) -> bool:
    return hole in {*DEFAULTS, "prompt", "seed", "scale", "checkpoint"} or bool(
        re.fullmatch(r"reference_[1-9]\d?", hole)
    )


def _holes(workflow: Any) -> list[str]:
    return _HOLE.findall(json.dumps(workflow))


def _reference_holes(workflow: Any) -> set[str]:
    return {hole for hole in _holes(workflow) if hole.startswith("reference_")}


def _with_values(part: Any, values: Mapping[str, object]) -> Any:
    """Fill the placeholders in; one that is all of a text becomes the value itself, a number stays one."""
    if isinstance(part, dict):
        return {key: _with_values(value, values) for key, value in part.items()}
    if isinstance(part, list):
        return [_with_values(value, values) for value in part]
    if not isinstance(part, str):
        return part
    for hole in _HOLE.findall(part):
        if hole not in values:
            raise UserError(f"the workflow has {{{{{hole}}}}}, which is not set; set the variable {CHECKPOINT}")
    whole = _HOLE.fullmatch(part)
    return values[whole[1]] if whole else _HOLE.sub(lambda found: str(values[found[1]]), part)
