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
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

from imagerag.credentials import without_credentials
from imagerag.errors import InvalidArgument, UserError
from imagerag.generators.base import UNCONTROLLED, DrawControl, Drawing, DrawRequest, Reuse, check_request
from imagerag.generators.diffusion.words import conditioned, plain
from imagerag.generators.remote.calling import TransientError, retry_transient
from imagerag.generators.remote.comfyui_events import follow
from imagerag.generators.remote.comfyui_server import ComfyServer, stop_drawing
from imagerag.generators.remote.comfyui_workflows import (
    CHECKPOINT,
    DEFAULTS,
    holes,
    read_workflow,
    reference_holes,
    with_values,
)
from imagerag.generators.sizing import SDXL_CANVASES, nearest_canvas
from imagerag.interruptible import run_bounded, run_interruptibly
from imagerag.net.addresses import address_parts

TIMEOUT = 60.0
"""Seconds for one request; a drawing may take longer, since it tells its progress."""
STOP_WAIT = 1.0
"""Seconds for a server to take a drawing out of its queue; one that is there takes a hundredth."""
CLOSING = 1.0
"""Seconds for a server to take leave of the events' connection."""

_NAME = re.compile(r"(?:(?P<file>.+)@)?(?P<url>https?://[^@\s]+)")


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

    # What a workflow does with the pictures that it is given is its author's: it may well paste or edit them.
    reuses: Reuse = "references"

    def __init__(self, name: str) -> None:
        found = _NAME.fullmatch(name)
        if found is None:
            raise UserError(f"generator 'comfyui:{name}' has no address; give comfyui:WORKFLOW.json@http://HOST:PORT")
        self.name = without_credentials(f"comfyui:{name}")
        self.url = found["url"].rstrip("/")
        address_parts(self.url)  # or else it raises
        bundled = Path(__file__).with_name("text_to_image.json")
        file = Path(found["file"]).expanduser() if found["file"] else bundled
        self._workflow = read_workflow(file)
        self.max_references = len(reference_holes(self._workflow))
        self._plain = self._workflow
        if self.max_references:
            beside = file.with_suffix(".plain.json")
            self._plain = read_workflow(beside if beside.is_file() else bundled)
        self.workflows = (self._workflow, self._plain)
        text = json.dumps(self.workflows, sort_keys=True)
        self.revision = uuid.uuid5(uuid.NAMESPACE_URL, text).hex[:12]

    @property
    def takes_negatives(self) -> bool:
        """Whether the workflow has a place for a negative prompt."""
        return all("negative_prompt" in holes(workflow) for workflow in self.workflows)

    def draw(self, request: DrawRequest, control: DrawControl = UNCONTROLLED) -> list[Drawing]:
        """Draw one image per seed, one after the other; see ``Generator.draw``.

        Raises:
            InvalidArgument: no seeds, too many references, or the server can't be made to answer with an image.
            UserError: the server refuses the workflow, or us.
        """
        check_request(request, self)
        words = conditioned(plain(request.prompt), request.references)
        drawings: list[Drawing] = []
        notes: list[str] = []
        for number, seed in enumerate(request.seeds):
            try:
                image = self._one(request, words, seed, control.of_candidate(number, len(request.seeds)), notes)
            except (InvalidArgument, UserError) as error:
                if not drawings:
                    raise
                notes.append(f"{len(request.seeds) - number} of {len(request.seeds)} were not drawn: {error}")
                break
            drawings.append(Drawing(image, seed, {"words": words, "workflow": self.revision, "notes": notes}))
        return drawings

    def _one(self, request: DrawRequest, words: str, seed: int, control: DrawControl, notes: list[str]) -> Image.Image:
        control.check()
        with httpx.Client(base_url=self.url, timeout=TIMEOUT) as client:
            server = ComfyServer(client, self.name)
            try:
                names = [
                    retry_transient(lambda one=one: server.upload(one), control.check, client.close)  # type: ignore[misc]
                    for one in request.references
                ]
                filled = self._filled(words, seed, names, request)
                return self._drawn(server, filled, control, notes)
            except TransientError as failure:
                advice = "is ComfyUI running there?" if "no answer" in str(failure) else "try again later"
                raise failure.ended(self.name, advice) from failure

    def _filled(self, words: str, seed: int, names: Sequence[str], request: DrawRequest) -> dict[str, Any]:
        workflow = self._workflow if names or not self.max_references else self._plain
        values: dict[str, object] = {**DEFAULTS, "prompt": words, "seed": seed, "scale": request.reference_scale}
        if request.negative:
            values["negative_prompt"] = f"{DEFAULTS['negative_prompt']}, {request.negative}"
        if request.size is not None:
            width, height = nearest_canvas(request.size, SDXL_CANVASES, (1024, 1024))
            values |= {"width": width, "height": height}
        for number in range(1, self.max_references + 1):
            if names:
                values[f"reference_{number}"] = names[min(number, len(names)) - 1]
        if os.environ.get(CHECKPOINT):
            values["checkpoint"] = os.environ[CHECKPOINT]
        filled: dict[str, Any] = with_values(workflow, values)
        return filled

    def _drawn(
        self, server: ComfyServer, workflow: dict[str, Any], control: DrawControl, notes: list[str]
    ) -> Image.Image:
        prompt_id: str | None = None
        with self._events(server.me, control, notes) as socket:
            try:
                tries = count()
                queued = retry_transient(
                    lambda: server.queue(workflow, again=next(tries) > 0), control.check, lambda: None
                )
                prompt_id = queued.prompt_id
                if queued.left_out:
                    notes.append(f"ComfyUI leaves a part of the workflow out: {queued.left_out}")
                entry = follow(socket, server, prompt_id, control)
            except BaseException:
                with suppress(TimeoutError):  # the run has ended, and nobody waits for long
                    run_bounded(partial(stop_drawing, self.url, server.me, prompt_id), STOP_WAIT, of_run=False)
                raise
        return retry_transient(lambda: server.image(entry), control.check, lambda: None)

    @contextmanager
    def _events(self, me: str, control: DrawControl, notes: list[str]) -> Iterator[Any]:
        """Yield the connection by which the server tells events of this client; ``None`` where it takes none."""
        from websockets.exceptions import WebSocketException
        from websockets.sync.client import connect

        address = self.url.replace("http", "ws", 1) + f"/ws?clientId={me}"
        try:
            socket = run_interruptibly(
                lambda: connect(address, open_timeout=TIMEOUT, close_timeout=CLOSING, max_size=64 * 2**20),
                control.check,
            )
        except (OSError, EOFError, WebSocketException) as error:
            notes.append(f"ComfyUI's events can't be read ({type(error).__name__}), so no progress is told")
            yield None
            return
        with socket:
            yield socket
