"""One request on its way through the job queue: what was asked, what has happened so far, how it ended."""

import asyncio
import secrets
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast

from imagerag.errors import BudgetExceeded, Cancelled, InvalidArgument, UserError
from imagerag.graphs.state import Limits, Output
from imagerag.modes import Mode
from imagerag.places import without_folders
from imagerag.server.api_error import public_words
from imagerag.server.job_queue import Job
from imagerag.server.offers import NO_CHOICE, PartChoice

RunStatus = Literal["queued", "running", "stopping", "asking", "done", "cancelled", "failed"]
MAX_FAILURE = 1000
"""Characters of an error that a client is told."""
_WORDS = frozenset({"text", "detail"})
"""Keys of events with what failed, in words."""
Listener = Callable[[Mapping[str, Any] | None], None]
"""Gets each event as it happens, and ``None`` at the end."""


@dataclass(frozen=True)
class RunRequest:
    """What a client wants made.

    Attributes:
        prompt: the request in words.
        pictures: the person's own images, as files' bytes; drawn with as subjects.
        mask: a picture that marks where to redraw; for ``masked``, else the first of ``pictures``, else what stands.
        masked: address in the image store of the image that ``mask`` is for.
        earlier: earlier requests of the conversation, for clients that keep it themselves.
        thread: the conversation to go on with; a new one when empty.
        checkpoint: a state of the thread to branch from, instead of its newest.
        seed, n, mode, limits: as in ``Context``; ``None`` leaves them to the server, whose limits are the most.
        negative: what the images must not show; the thread's, or else the server's own when ``None``.
        size: of the images, ``1024x768`` or ``16:9``; the thread's, or else the server's own when empty.
        choice: of the parts that this server offers; what it leaves open is the conversation's, or else the server's.
        approve: ask the person before each redraw.
        notes: what the door has to tell of the request, such as a value that it had to change; told with the run.
    """

    prompt: str
    pictures: tuple[bytes, ...] = ()
    mask: bytes | None = None
    masked: str = ""
    earlier: tuple[str, ...] = ()
    thread: str = ""
    checkpoint: str | None = None
    seed: int | None = None
    n: int | None = None
    mode: Mode | None = None
    limits: Limits = field(default_factory=Limits)
    negative: str | None = None
    size: str = ""
    choice: PartChoice = NO_CHOICE
    approve: bool = False
    notes: tuple[str, ...] = ()


class Run:
    """A request in the queue. Threads of the queue write it, interfaces read it.

    Attributes:
        id: unguessable.
        client, thread: whose it is, and in which conversation.
        ask: what was asked for; ``None`` for the call of a single tool.
        request: its words.
        events: what happened so far (``imagerag.graphs.events``), without the progress of single steps.
        output: the graph's output, once done.
        value: what a tool returned (content blocks and artifact), once done.
        error: why it failed; ``UserError`` and ``InvalidArgument`` are meant for the client, others are defects.
        job: its place in the queue; ``None`` while it asks, if it has begun in an earlier process.
        checkpoint: state of the thread at the end.
        parts: names of its ``profile``, ``generator`` and ``critic``, once it has asked or ended.
        turn: of the thread, once it has begun one.
        begins: the turn that it is about to begin, as soon as it is at work.
        asking: the redraw that waits for the person's word (arguments of the tool), and since when (seconds since the
            epoch); it holds no place in the queue.
    """

    def __init__(self, client: str, thread: str, ask: RunRequest | None = None) -> None:
        self.id = secrets.token_urlsafe(16)
        self.ask = ask
        self.request = ask.prompt if ask else ""
        self.asking: tuple[dict[str, Any], float] | None = None
        self.client = client
        self.thread = thread
        self.job: Job | None = None
        self.events: list[Mapping[str, Any]] = []
        self.output: Output | None = None
        self.value: Any = None
        self.error: Exception | None = None
        self.checkpoint: str | None = None
        self.turn: int | None = None
        self.begins: int | None = None
        self.parts: dict[str, str] = {}
        self.progress: tuple[int, int] = (0, 0)
        self._step: Mapping[str, Any] | None = None
        self._ended = threading.Event()
        self._listeners: list[Listener] = []
        self._lock = threading.Lock()

    @property
    def status(self) -> RunStatus:
        """Where it is."""
        if not self._ended.is_set():
            if self.asking is not None:
                return "asking"
            assert self.job is not None
            if self.job.cancelled.is_set():  # at its next denoising step, or what else it is at
                return "stopping"
            return "queued" if self.job.state == "waiting" else "running"
        if self.error is not None:
            return "failed"
        stopped = self.output is not None and self.output["stop_reason"] == "cancelled"
        return "cancelled" if stopped or (self.output is None and self.value is None) else "done"

    @property
    def failure(self) -> str | None:
        """What a client may know of its error: the text of those meant for it; of a defect, that there was one."""
        if self.error is None:
            return None
        if isinstance(self.error, UserError | InvalidArgument | BudgetExceeded | Cancelled):
            return public_words(self.error)[:MAX_FAILURE]
        return f"the server failed ({type(self.error).__name__}); its log says more"

    @property
    def question(self) -> Mapping[str, Any] | None:
        """The event in which it asks the person, while it does."""
        if self.asking is None:
            return None
        return next((event for event in reversed(self.events) if event["event"] == "approval"), None)

    def tell(self, event: Mapping[str, Any]) -> None:
        """Take in an event and pass it on; of the server's files in it, the names alone."""
        for key in _WORDS & event.keys():
            event = {**event, key: without_folders(str(event[key]))}
        with self._lock:
            if event["event"] == "progress":
                if event["what"] == "drawing":  # others count pictures or bytes
                    self.progress = (event["done"], event["total"])
                self._step = event
            elif event["event"] != "preview":  # only who looks on now sees it
                self.events.append(event)
                self._step = None
            listeners = list(self._listeners)
        for listener in listeners:
            listener(event)

    def end(self) -> None:
        """Say that nothing more will happen, and keep no more than others may ask after: there are hundreds of runs."""
        with self._lock:
            if self._ended.is_set():
                return
            if self.ask is not None:
                self.ask = replace(self.ask, pictures=(), mask=None)  # up to 320 MB, which are in the store by now
            if self.output is not None:  # what it has besides, and all messages, is in the thread, and grows with it
                kept = {name: value for name, value in self.output.items() if name in Output.__annotations__}
                self.output = cast("Output", kept | {"messages": []})
            if self.error is not None:  # its frames hold images and tensors
                self.error = self.error.with_traceback(None)
                self.error.__context__ = self.error.__cause__ = None
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
                if self._step is not None:
                    listener(self._step)
                self._listeners.append(listener)

        def stop() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return stop

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the end, and tell whether it was reached."""
        return self._ended.wait(seconds)

    async def follow(self, beat: float | None = None) -> AsyncIterator[Mapping[str, Any] | None]:
        """Yield what has happened and what will, to the end, without holding a thread.

        Args:
            beat: yield ``None`` after each silence of so many seconds.
        """
        queue: asyncio.Queue[Mapping[str, Any] | None] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def hand_over(event: Mapping[str, Any] | None) -> None:
            if not loop.is_closed():  # the server may go down while the engine still works
                loop.call_soon_threadsafe(queue.put_nowait, event)

        stop = self.listen(hand_over)
        try:
            while True:
                try:
                    # Not wait_for, which in Python 3.11 loses a cancellation that comes at the same moment as an event.
                    async with asyncio.timeout(beat):
                        event = await queue.get()
                except TimeoutError:
                    yield None
                    continue
                if event is None:
                    return
                yield event
        finally:
            stop()
