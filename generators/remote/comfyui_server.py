"""What is asked of a ComfyUI server over HTTP: references up, workflows into the queue, images out of the history.

The routes and their answers are those of ComfyUI's ``server.py``; queue entries are ``[number, prompt_id, workflow,
extra data, outputs]``, as its ``PromptQueue`` keeps them. Whatever else a server sends is one clear error.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import httpx
from PIL import Image

from imagerag.errors import InvalidArgument, UserError
from imagerag.generators.base import Reference
from imagerag.generators.remote.calling import Reply, TransientError, answered
from imagerag.generators.remote.server_errors import said_by
from imagerag.store.png import encode_png, on_white

RECENT = 20
"""Drawings of the history in which one's own is looked for after a try without an answer."""
STOP_TIMEOUT = 5.0
"""Seconds for one request that stops a drawing: the run has ended, and nobody waits for long."""


class Queued(NamedTuple):
    """A drawing in the queue: its id, and what the server leaves out of the workflow (empty if nothing)."""

    prompt_id: str
    left_out: str = ""


class ComfyServer:
    """One ComfyUI server, for one drawing.

    Args:
        client: with the server's address.
        name: of the generator, for messages.
    """

    def __init__(self, client: httpx.Client, name: str) -> None:
        self._client = client
        self._name = name
        self.me = uuid.uuid4().hex
        """The id of this client, by which the server sends its events and its own drawing is found again."""

    def upload(self, reference: Reference) -> str:
        """Upload a reference and return the name under which ``LoadImage`` finds it.

        Raises:
            TransientError: another try may succeed.
            InvalidArgument, UserError: the server doesn't take it.
        """
        name = f"imagerag-{(reference.sha256 or uuid.uuid4().hex)[:16]}.png"
        files = {"image": (name, encode_png(on_white(reference.image)), "image/png")}
        body = self._asked("POST", "/upload/image", files=files, data={"overwrite": "true"})
        if not body.get("name"):
            raise InvalidArgument(f"{self._name!r} took a reference without telling its name; is that ComfyUI?")
        return f"{body['subfolder']}/{body['name']}" if body.get("subfolder") else str(body["name"])

    def queue(self, workflow: Mapping[str, Any], *, again: bool) -> Queued:
        """Put a drawing into the queue, or find the one that an earlier try put there without hearing of it.

        Args:
            workflow: in API format, filled in.
            again: whether there was an earlier try.

        Raises:
            TransientError: another try may succeed.
            UserError: the server refuses the workflow, or us.
            InvalidArgument: it answers what ComfyUI doesn't.
        """
        if again and (known := self.known()):
            return Queued(known)
        reply = answered(self._client, "POST", "/prompt", json={"prompt": workflow, "client_id": self.me})
        reply.refuse_passing()
        self._refuse_unusable(reply)
        body = _object(reply)
        nodes = said_by({"errors": body.get("node_errors")}).words
        if body.get("prompt_id"):
            return Queued(str(body["prompt_id"]), nodes)
        if why := nodes or said_by(body.get("error")).words:
            raise UserError(f"{self._name!r} refuses the workflow: {why}; mend it in ComfyUI")
        if reply.status != 200:
            raise UserError(f"{self._name!r} can't be used: {reply.in_words} to /prompt; is that ComfyUI?")
        if known := self.known():
            return Queued(known)
        told = f" ({reply.said.words})" if reply.said.words else ""
        raise InvalidArgument(f"{self._name!r} answered without a prompt_id{told}; is that ComfyUI?")

    def known(self) -> str | None:
        """Return the id under which the server has a drawing of this client: running, waiting or done, or ``None``.

        Raises:
            TransientError, InvalidArgument, UserError: the server doesn't tell.
        """
        entries = [*self._queue()]
        done = self._asked("GET", "/history", params={"max_items": RECENT})
        entries += [entry["prompt"] for entry in done.values() if isinstance(entry, dict) and "prompt" in entry]
        for entry in entries:
            extra = entry[3] if isinstance(entry, list) and len(entry) > 3 else None
            if isinstance(extra, dict) and extra.get("client_id") == self.me:
                return str(entry[1])
        return None

    def is_queued(self, prompt_id: str) -> bool | None:
        """Tell whether a drawing is running or waiting; ``None`` where the server doesn't tell.

        Raises:
            TransientError: another try may tell.
        """
        try:
            return any(prompt_id in _ids(entry) for entry in self._queue())
        except (InvalidArgument, UserError):
            return None

    def entry(self, prompt_id: str) -> dict[str, Any] | None:
        """Return a drawing's entry in the history; ``None`` until it is written there.

        Raises:
            TransientError: another try may tell.
            UserError: this server is not for us.
        """
        reply = answered(self._client, "GET", f"/history/{prompt_id}")
        reply.refuse_passing()
        self._refuse_unusable(reply)
        found = _object(reply).get(prompt_id)
        return found if isinstance(found, dict) else None

    def image(self, entry: Mapping[str, Any]) -> Image.Image:
        """Return a finished drawing's first image; those that nodes only show on the way come after those they save.

        Raises:
            TransientError: another try may succeed.
            InvalidArgument: the drawing failed, or has no image.
        """
        if failure := _failure(entry):
            raise InvalidArgument(failure)
        outputs = entry.get("outputs")
        images = list(_images(outputs.values() if isinstance(outputs, dict) else ()))
        images.sort(key=lambda image: image.get("type") != "output")
        if not images:
            raise InvalidArgument("ComfyUI's workflow saves no image; give it a SaveImage node")
        reply = self._viewed(images[0])
        for other in images[1:]:
            if reply.status == 200:
                break
            reply = self._viewed(other)
        if reply.status != 200:
            raise InvalidArgument(f"ComfyUI's image {images[0]['filename']!r} can't be fetched: {reply.in_words}")
        return reply.image()

    def _viewed(self, image: Mapping[str, Any]) -> Reply:
        where = {key: str(image.get(key) or "") for key in ("filename", "subfolder", "type")}
        reply = answered(self._client, "GET", "/view", params=where)
        reply.refuse_passing()
        return reply

    def _queue(self) -> Iterator[Any]:
        queue = self._asked("GET", "/queue")
        for part in ("queue_running", "queue_pending"):
            yield from queue.get(part) or ()

    def _asked(self, method: str, path: str, **sent: Any) -> dict[str, Any]:
        reply = answered(self._client, method, path, **sent)
        reply.refuse_passing()
        self._refuse_unusable(reply)
        if reply.status != 200:
            raise InvalidArgument(f"{self._name!r}: {reply.in_words} to {path}")
        return _object(reply)

    def _refuse_unusable(self, reply: Reply) -> None:
        if reply.status in (401, 403, 407) or reply.location:
            raise UserError(f"{self._name!r} can't be used: {reply.in_words}; check the address, and who may use it")


def stop_drawing(url: str, me: str, prompt_id: str | None) -> None:
    """Stop a drawing, or take it out of the queue; the run has ended here, whatever the server makes of it.

    Old servers don't read ``prompt_id`` and stop whatever runs: they are asked only while it is this drawing.

    Args:
        url: of the server.
        me: the id of the client that has queued it.
        prompt_id: of the drawing; ``None`` where the server has not told it yet.
    """
    with httpx.Client(base_url=url, timeout=STOP_TIMEOUT) as client:
        server = ComfyServer(client, url)
        server.me = me
        try:
            prompt_id = prompt_id or server.known()
            if prompt_id is None:
                return
            client.post("/queue", json={"delete": [prompt_id]})
            running = server._asked("GET", "/queue").get("queue_running") or ()
            if any(prompt_id in _ids(entry) for entry in running):
                client.post("/interrupt", json={"prompt_id": prompt_id})
        except (httpx.HTTPError, TransientError, InvalidArgument, UserError):  # gone: nothing to stop
            return


def failure_told(kind: object, data: Mapping[str, Any]) -> str:
    """Return what an event says has failed; empty where it says nothing of the sort."""
    node = data.get("node_type") or "a node"
    if kind == "execution_error":
        said = " ".join(str(data.get("exception_message") or data.get("exception_type") or "").split())[:200]
        return f"ComfyUI's {node} failed: {said}"
    if kind == "execution_interrupted":
        return f"ComfyUI's drawing was interrupted there, at {node}"
    return ""


def _failure(entry: Mapping[str, Any]) -> str:
    """Return why a drawing of the history failed; empty where it didn't, and in entries of servers that don't tell."""
    status = entry.get("status")
    if not isinstance(status, dict) or status.get("status_str") != "error":
        return ""
    messages = [one for one in status.get("messages") or () if isinstance(one, list) and len(one) > 1]
    told = (failure_told(one[0], one[1]) for one in messages if isinstance(one[1], dict))
    return next(filter(None, told), "ComfyUI's drawing failed; its log says why")


def _images(outputs: Iterable[Any]) -> Iterator[Mapping[str, Any]]:
    for output in outputs:
        images = output.get("images") if isinstance(output, dict) else None
        for image in images if isinstance(images, list) else ():
            if isinstance(image, dict) and image.get("filename"):
                yield image


def _ids(entry: Any) -> tuple[Any, ...]:
    """Return the id of a queue entry, in a tuple; an empty one where it has none."""
    return (
        tuple(entry[1:2]) if isinstance(entry, list) else (entry.get("prompt_id"),) if isinstance(entry, dict) else ()
    )


def _object(reply: Reply) -> dict[str, Any]:
    """Return a body as the object that it is; an empty one for any other."""
    try:
        body = reply.json()
    except TransientError:
        return {}
    return body if isinstance(body, dict) else {}
