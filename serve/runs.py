"""One request on its way through the engine room: what was asked, what has happened so far, how it ended."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from imagerag.graphs.state import Limits, Output
from imagerag.records import Mode
from imagerag.serve.room import Job

RunStatus = Literal["queued", "running", "done", "cancelled", "failed"]
Listener = Callable[[Mapping[str, Any] | None], None]
"""Gets each event as it happens, and ``None`` at the end."""


@dataclass(frozen=True)
class Ask:
    """What a client wants made.

    Attributes:
        prompt: the request in words.
        pictures: the person's own images, as files' bytes; drawn with as subjects.
        earlier: earlier requests of the conversation, for clients that keep it themselves.
        thread: the conversation to go on with; a new one when empty.
        checkpoint: a state of the thread to branch from, instead of its newest.
        seed, n, mode, limits: as in ``Context``; ``None`` leaves them to the server, whose limits are the most.
    """

    prompt: str
    pictures: tuple[bytes, ...] = ()
    earlier: tuple[str, ...] = ()
    thread: str = ""
    checkpoint: str | None = None
    seed: int | None = None
    n: int | None = None
    mode: Mode | None = None
    limits: Limits = field(default_factory=Limits)


class Run:
    """A request in the room. Threads of the room write it, doors read it.

    Attributes:
        client, thread: whose it is, and in which conversation.
        events: what happened so far (``imagerag.graphs.events``), without the progress of single steps.
        output: the graph's output, once done.
        value: what a tool returned (content blocks and artifact), once done.
        error: why it failed; ``UserError`` and ``InvalidArgument`` are meant for the client, others are defects.
        checkpoint: state of the thread at the end.
    """

    def __init__(self, client: str, thread: str) -> None:
        self.client = client
        self.thread = thread
        self.job: Job | None = None
        self.events: list[Mapping[str, Any]] = []
        self.output: Output | None = None
        self.value: Any = None
        self.error: Exception | None = None
        self.checkpoint: str | None = None
        self.progress: tuple[int, int] = (0, 0)
        self._ended = threading.Event()
        self._listeners: list[Listener] = []
        self._lock = threading.Lock()

    @property
    def id(self) -> str:
        """Unguessable."""
        assert self.job is not None
        return self.job.id

    @property
    def status(self) -> RunStatus:
        """Where it is."""
        assert self.job is not None
        if not self._ended.is_set():
            return "queued" if self.job.state == "waiting" else "running"
        if self.error is not None:
            return "failed"
        stopped = self.output is not None and self.output["stop_reason"] == "cancelled"
        return "cancelled" if stopped or (self.output is None and self.value is None) else "done"

    def tell(self, event: Mapping[str, Any]) -> None:
        """Take in an event and pass it on."""
        with self._lock:
            if event["event"] == "progress":
                self.progress = (event["done"], event["total"])
            else:
                self.events.append(event)
            listeners = list(self._listeners)
        for listener in listeners:
            listener(event)

    def end(self) -> None:
        """Say that nothing more will happen."""
        with self._lock:
            if self._ended.is_set():
                return
            self._ended.set()
            listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener(None)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` with what has happened and what will, then ``None``; returns what stops that."""
        with self._lock:
            for event in self.events:
                listener(event)
            if self._ended.is_set():
                listener(None)
            else:
                self._listeners.append(listener)

        def stop() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return stop

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the end, and tell whether it was reached."""
        return self._ended.wait(seconds)

    async def follow(self) -> AsyncIterator[Mapping[str, Any]]:
        """Yield what has happened and what will, to the end, without holding a thread."""
        queue: asyncio.Queue[Mapping[str, Any] | None] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def hand_over(event: Mapping[str, Any] | None) -> None:
            if not loop.is_closed():  # the server may go down while the engine still works
                loop.call_soon_threadsafe(queue.put_nowait, event)

        stop = self.listen(hand_over)
        try:
            while (event := await queue.get()) is not None:
                yield event
        finally:
            stop()
