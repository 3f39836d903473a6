"""Following one drawing on a ComfyUI server: by its events as long as they come, and by its history whatever comes.

Events are told for progress. That a drawing has ended is read from the history, which is written after the event that
says so, and by which a drawing is found whose events stopped, were cut off, or drown in those of other nodes.
"""

from __future__ import annotations

import json
import struct
import time
from contextlib import suppress
from typing import Any

from imagerag.errors import InvalidArgument
from imagerag.generators.base import DrawControl
from imagerag.generators.remote.calling import TransientError, opened, retry_transient
from imagerag.generators.remote.comfyui_server import ComfyServer, failure_told

ASK_EVERY = 5.0
"""Seconds between two looks at the history while events come."""
ASK_SOON = 0.5
"""Seconds between two looks once events say that it is done, or can't come any more."""
GONE_AFTER = 10.0
"""Seconds for which a drawing is neither in the queue nor in the history, after which it counts as taken out."""
SILENCE = 600.0
"""Seconds without a word of a drawing, from a server that doesn't tell its queue, after which it counts as lost."""
PREVIEW = 1
"""First four bytes of a binary frame that holds a preview image (ComfyUI's ``BinaryEventTypes.PREVIEW_IMAGE``)."""


def follow(socket: Any | None, server: ComfyServer, prompt_id: str, control: DrawControl) -> dict[str, Any]:
    """Tell what the server says of one drawing, and return its entry in the history.

    Args:
        socket: of the server's events (a websocket of ``websockets.sync``); ``None`` where there is none.
        server: that draws.
        prompt_id: of the drawing.
        control: is told steps and previews, and is asked many times a second.

    Raises:
        InvalidArgument: a node failed, somebody stopped the drawing, or took it out of the queue.
        TransientError: the server tells nothing any more.
    """
    events = _Events(socket, prompt_id, control)
    asked = heard = time.monotonic()
    absent: float | None = None
    while True:
        control.check()
        if events.hear():
            heard, absent = time.monotonic(), None
        now = time.monotonic()
        soon = events.ended or absent is not None
        if now - asked < (ASK_SOON if soon else ASK_EVERY) and not events.just_ended():
            continue
        entry = retry_transient(lambda: server.entry(prompt_id), control.check, lambda: None)
        if entry is not None:
            return entry
        queued = retry_transient(lambda: server.is_queued(prompt_id), control.check, lambda: None)
        asked = now = time.monotonic()
        if queued:
            heard, absent = now, None
        elif queued is False:
            absent = now if absent is None else absent
            if now - absent > GONE_AFTER:
                raise InvalidArgument("ComfyUI's drawing is neither in its queue nor in its history: it was taken out")
        if now - heard > SILENCE:
            raise TransientError(f"not a word for {SILENCE:.0f} seconds", away=True)


class _Events:
    """The events of one drawing.

    Attributes:
        ended: whether no more of them will come: the drawing is done, or the connection is.
    """

    def __init__(self, socket: Any | None, prompt_id: str, control: DrawControl) -> None:
        self._socket = socket
        self._prompt_id = prompt_id
        self._control = control
        self.ended = socket is None
        self._fresh = self.ended

    def just_ended(self) -> bool:
        """Tell, once, that they have ended."""
        fresh, self._fresh = self._fresh, False
        return fresh

    def hear(self) -> bool:
        """Wait for a tenth of a second at most, and tell what comes; return whether that was a word of this drawing.

        Raises:
            InvalidArgument: it says that the drawing failed.
        """
        from websockets.exceptions import WebSocketException

        if self._socket is None:
            time.sleep(0.1)
            return False
        try:
            message = self._socket.recv(timeout=0.1)
        except TimeoutError:
            return False
        except (OSError, EOFError, WebSocketException):  # cut off; the drawing goes on
            self._socket, self.ended, self._fresh = None, True, True
            return False
        return self._told_preview(message) if isinstance(message, bytes) else self._told(*_event(message))

    def _told_preview(self, frame: bytes) -> bool:
        if len(frame) <= 8 or struct.unpack(">I", frame[:4])[0] != PREVIEW:
            return False
        if self._control.wants_previews:
            with suppress(TransientError):  # one preview less
                self._control.preview(opened(frame[8:]))
        return True

    def _told(self, kind: object, data: dict[str, Any]) -> bool:
        if data.get("prompt_id", self._prompt_id) != self._prompt_id:
            return False
        if kind == "progress":
            with suppress(KeyError, TypeError, ValueError, OverflowError):  # a custom node's own idea of progress
                value, most = int(data["value"]), int(data["max"])
                if 0 < value <= most:
                    self._control.step(value, most)
        elif failure := failure_told(kind, data):
            raise InvalidArgument(failure)
        elif kind == "execution_success" or (kind == "executing" and data.get("node") is None):
            self.ended = self._fresh = True
        return kind == "progress" or "prompt_id" in data


def _event(message: str) -> tuple[object, dict[str, Any]]:
    """Return the kind of an event and its data; nothing for what is none: custom nodes send what they like."""
    try:
        event = json.loads(message)
    except (ValueError, RecursionError):
        return None, {}
    data = event.get("data") if isinstance(event, dict) else None
    return (event["type"], data) if isinstance(data, dict) and "type" in event else (None, {})
