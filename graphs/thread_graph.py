"""The compiled graph: pictures of its input go to the image store first, and a thread has one run at a time."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langgraph.graph.state import CompiledStateGraph

from imagerag.errors import Cancelled, UserError
from imagerag.graphs.message_images import with_stored_pictures
from imagerag.graphs.result import as_result
from imagerag.graphs.run_context import NESTED, StopSwitch, settings_of, settings_of_part
from imagerag.graphs.state import OF_ONE_REQUEST, Input, Output, State
from imagerag.graphs.thread_lock import UPDATE_WAIT, ThreadLock, holding, is_held, log_note
from imagerag.graphs.thread_saver import ThreadSaver
from imagerag.profiles.resolve import resolve
from imagerag.settings import Settings
from imagerag.store.home import home_directory
from imagerag.store.images import ImageStore


class ThreadGraph(CompiledStateGraph[State, Settings, Input, Output]):
    """A graph that stores the pictures in its input's messages, since LangGraph checkpoints the input as it came.

    With the checkpointer of a data directory (``open_checkpointer``) a second run of a thread waits for the first, and
    what a run that has ended leaves behind is its last checkpoint. Other checkpointers are those of who brings them.

    Args:
        image_store: where to; the one in the context's data directory if not given.
        attributes: those of the compiled graph that this one takes the place of.
    """

    def __init__(self, *, image_store: ImageStore | None = None, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.image_store = image_store

    def stream(self, input: Any, config: Any = None, *, context: Any = None, **options: Any) -> Iterator[Any]:
        """See ``Pregel.stream``. Whoever closes the stream stops the run at its next denoising step.

        Raises:
            UserError: a picture can't be read or stored, the context is not valid (see ``settings_of``), or another run
                of the thread is under way for longer than this one may take.
            Cancelled: while it waits for that.
        """
        stopped = StopSwitch()
        settings = self._settings(config, context)
        input = input if is_nested(config) else self._stored(input, settings)
        stream = super().stream(input, config, context=stopped.added_to(settings), **options)
        chunks = _stopping(stream, stopped)
        thread = self._configurable(config).get("thread_id")
        if is_nested(config) or not isinstance(self.checkpointer, ThreadSaver) or thread is None:
            return chunks
        return _alone(chunks, self.checkpointer, str(thread), _wait(input, settings), stopped, _telling(options))

    async def astream(
        self, input: Any, config: Any = None, *, context: Any = None, **options: Any
    ) -> AsyncIterator[Any]:
        """See ``Pregel.astream``; raises as ``stream`` does.

        Whoever is cancelled, or listens no more, stops the run at its next denoising step: nodes work on threads, which
        asyncio can only leave behind. So it is where the graph is part of another whose task is cancelled.
        """
        stopped = StopSwitch()
        # Settings come from files, and pictures go to some: neither may hold the event loop up.
        own = await asyncio.to_thread(self._settings, config, context)
        if not is_nested(config):
            input = await asyncio.to_thread(self._stored, input, own)
        try:
            async for chunk in super().astream(input, config, context=stopped.added_to(own), **options):
                yield chunk
        finally:
            stopped.set()

    def invoke(self, input: Any, config: Any = None, **options: Any) -> Any:
        """See ``Pregel.invoke``; returns a ``Result``, which is LangGraph's dictionary and more.

        Part of another graph, or where it stops to ask, it returns what LangGraph does.
        """
        values = super().invoke(input, config, **options)
        return values if is_nested(config) else as_result(values, self._thread(config))

    async def ainvoke(self, input: Any, config: Any = None, **options: Any) -> Any:
        """See ``Pregel.ainvoke``; returns what ``invoke`` does."""
        values = await super().ainvoke(input, config, **options)
        return values if is_nested(config) else as_result(values, self._thread(config))

    def _thread(self, config: Any) -> str:
        return str(self._configurable(config).get("thread_id", ""))

    def _settings(self, config: Any, context: Any) -> Settings:
        if is_nested(config):
            return settings_of_part(context, config["configurable"][NESTED])
        return settings_of(context, self._configurable(config))

    def bulk_update_state(self, config: RunnableConfig, supersteps: Sequence[Any]) -> RunnableConfig:
        """See ``Pregel.bulk_update_state``, which ``update_state`` calls.

        Raises:
            UserError: a run of the thread is under way, which would not know of the update.
        """
        thread = self._configurable(config).get("thread_id")
        if is_nested(config) or not isinstance(self.checkpointer, ThreadSaver) or thread is None:
            return super().bulk_update_state(config, supersteps)
        with holding(self.checkpointer.home, str(thread), lambda: UPDATE_WAIT, lambda: None, log_note):
            return super().bulk_update_state(config, supersteps)

    def _configurable(self, config: Any) -> dict[str, Any]:
        return {**((self.config or {}).get("configurable") or {}), **((config or {}).get("configurable") or {})}

    def _stored(self, input: Any, settings: Settings) -> Any:
        if isinstance(input, dict) and input:  # what an earlier request left that was not taken up is not this one's
            input = {**OF_ONE_REQUEST, **input}
        return with_stored_pictures(input, lambda: self.image_store or ImageStore(home_directory(settings.home)))


def is_nested(config: Any) -> bool:
    """Tell whether the graph is part of another, whose context, messages and thread are its own."""
    return NESTED in ((config or {}).get("configurable") or {})


def as_thread_graph(graph: CompiledStateGraph[State, Settings, Input, Output], store: ImageStore | None) -> ThreadGraph:
    """Return the graph as a ``ThreadGraph``."""
    attributes = {name: value for name, value in vars(graph).items() if name != "__orig_class__"}
    return ThreadGraph(image_store=store, **attributes)


def _stopping(stream: Iterator[Any], stopped: StopSwitch) -> Iterator[Any]:
    """Yield what a stream does; where it is closed early the switch is set first, for its end waits for its threads."""
    try:
        for chunk in stream:  # noqa: UP028 - with "yield from" the stream would be closed before the switch is set
            yield chunk
    finally:
        stopped.set()
        cast("Any", stream).close()


def _alone(
    chunks: Iterator[Any],
    saver: ThreadSaver,
    thread: str,
    wait: Callable[[], float],
    cancel: threading.Event,
    shaped: Callable[[str], list[Any]],
) -> Iterator[Any]:
    """Run while no other run of the thread does, and drop the checkpoints that its end supersedes."""

    def check() -> None:
        if cancel.is_set():
            raise Cancelled("the run was cancelled while it waited for another one of its thread")

    if is_held(saver.home, thread):
        yield from _to_the_end(chunks, saver, thread)
        return
    lock = ThreadLock(saver.home, thread)
    for note in lock.acquire(wait, check):
        yield from shaped(note)
    try:
        yield from _to_the_end(chunks, saver, thread)
    finally:
        lock.release()


def _to_the_end(chunks: Iterator[Any], saver: ThreadSaver, thread: str) -> Iterator[Any]:
    """Run, and leave no more of it behind than its last checkpoint, nor anything of a request that was refused."""
    try:
        yield from chunks
    except BaseException:
        _tidy(saver.drop_refused, thread)
        raise
    _tidy(saver.drop_superseded, thread)


def _tidy(drop: Callable[[str], int], thread: str) -> None:
    """Drop checkpoints that nobody needs; what can't be tidied is no fault of the run."""
    try:
        drop(thread)
    except UserError as error:
        log_note(f"checkpoints of thread {thread!r} stay as they are: {error}")


def _wait(input: Any, settings: Settings) -> Callable[[], float]:
    """Return what tells how long a run may wait for another: as long as it may take itself."""

    def seconds() -> float:
        budget = input.get("budget") if isinstance(input, dict) else None
        asked = budget.get("max_seconds") if isinstance(budget, dict) else None
        if not isinstance(asked, int | float):  # the run itself says what is wrong with it
            asked = settings.max_seconds
        return float(resolve(settings).max_seconds if asked is None else asked)

    return seconds


def _telling(options: dict[str, Any]) -> Callable[[str], list[Any]]:
    """Return what makes a chunk of a note, in the shape that the caller asked for; it is logged where none is."""
    mode = options.get("stream_mode")
    several = isinstance(mode, list | tuple)
    modes: Sequence[Any] = mode if isinstance(mode, list | tuple) else [mode]

    def shaped(text: str) -> list[Any]:
        event = {"event": "note", "text": text}
        if options.get("version", "v1") != "v1" or "custom" not in modes:
            log_note(text)
            return []
        chunk = (*([()] if options.get("subgraphs") else []), *(["custom"] if several else []), event)
        return [chunk if len(chunk) > 1 else event]

    return shaped
