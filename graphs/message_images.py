"""Pictures that come with a request go to the image store before LangGraph sees them: no checkpoint holds pixels."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

from langchain_core.messages import AnyMessage, BaseMessage, HumanMessage, convert_to_messages
from langgraph.graph.state import CompiledStateGraph

from imagerag.errors import UserError
from imagerag.graphs.message_parts import readable_parts
from imagerag.graphs.run_context import NESTED, StopSwitch, settings_of, settings_of_part
from imagerag.graphs.state import Input, Output, State
from imagerag.graphs.state_queries import is_request
from imagerag.settings import Settings
from imagerag.store.data_urls import decoded, is_data_url, picture_of_base64
from imagerag.store.home import home_directory
from imagerag.store.images import ImageStore, StoredImage

STORED = "sha256:"
"""Begins the ``file_id`` of an image block whose pixels lie in the image store."""


class UploadingGraph(CompiledStateGraph[State, Settings, Input, Output]):
    """A graph that stores the pictures in its input's messages first; LangGraph checkpoints the input as it came.

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
            UserError: a picture can't be read or stored, or the context is not valid; see ``settings_of``.
        """
        stopped = StopSwitch()
        own = self._settings(config, context)
        input = input if _is_nested(config) else self._stored(input, own)
        stream = super().stream(input, config, context=stopped.added_to(own), **options)
        return _stopping(stream, stopped)

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
        if not _is_nested(config):
            input = await asyncio.to_thread(self._stored, input, own)
        try:
            async for chunk in super().astream(input, config, context=stopped.added_to(own), **options):
                yield chunk
        finally:
            stopped.set()

    def _settings(self, config: Any, context: Any) -> Settings:
        if _is_nested(config):
            return settings_of_part(context, config["configurable"][NESTED])
        return settings_of(context, self._configurable(config))

    def _configurable(self, config: Any) -> dict[str, Any]:
        return {**((self.config or {}).get("configurable") or {}), **((config or {}).get("configurable") or {})}

    def _stored(self, input: Any, settings: Settings) -> Any:
        if not isinstance(input, dict) or not input.get("messages"):
            return input
        messages = convert_to_messages(input["messages"])
        if all(isinstance(message.content, str) for message in messages):
            return input
        store = self.image_store or ImageStore(home_directory(settings.home))
        last = max(
            (at for at, message in enumerate(messages) if isinstance(message, HumanMessage) and is_request(message)),
            default=-1,
        )
        return {
            **input,
            "messages": [_stripped(message, store, at == last) for at, message in enumerate(messages)],
        }


def _stopping(stream: Iterator[Any], stopped: StopSwitch) -> Iterator[Any]:
    """Yield what a stream does; where it is closed early the switch is set first, for its end waits for its threads."""
    try:
        for chunk in stream:  # noqa: UP028 - with "yield from" the stream would be closed before the switch is set
            yield chunk
    finally:
        stopped.set()
        cast("Any", stream).close()


def _is_nested(config: Any) -> bool:
    """Tell whether the graph is part of another, whose context and messages are its own."""
    return NESTED in ((config or {}).get("configurable") or {})


def with_uploads(graph: CompiledStateGraph[State, Settings, Input, Output], store: ImageStore | None) -> UploadingGraph:
    """Return the graph as one that stores the pictures of its input first."""
    attributes = {name: value for name, value in vars(graph).items() if name != "__orig_class__"}
    return UploadingGraph(image_store=store, **attributes)


def stored_picture(block: dict[str, Any], store: ImageStore) -> StoredImage:
    """Return where the picture of an image block lies in the store, put there now if it comes in base64.

    That is only so where the graph is part of another, which keeps the messages: a graph of its own has stored it.

    Raises:
        UserError: it is given by address, is not base64 or no picture, or is no longer in the store.
    """
    file_id = str(block.get("file_id") or "")
    if file_id.startswith(STORED):
        sha256 = file_id.removeprefix(STORED)
        store.open(sha256)  # says in words what is wrong with it
        return StoredImage(sha256, store.path(sha256))
    url = str(block.get("url") or "")
    data = block.get("base64") or (url if is_data_url(url) or picture_of_base64(url) else None)
    if not data and not url and not file_id:
        raise UserError("a picture of the message has neither bytes nor an address; send its bytes (base64)")
    if not data:
        shown = str(block.get("url") or file_id)[:80]
        raise UserError(f"image {shown!r} is given by address; send its bytes (base64) instead")
    try:
        return store.put_user_image(decoded(str(data)))
    except ValueError as error:
        raise UserError(
            f"image {str(data)[:16]!r}... is not base64 ({error}); send the file's bytes in base64"
        ) from error


def without_stored_pictures(message: HumanMessage) -> list[Any] | str:
    """Return a request's content without the pictures that lie in the store; those of other graphs stay as they are."""
    if isinstance(message.content, str):
        return message.content
    kept = [block for block in message.content if not _is_stored(block)]
    texts = [block if isinstance(block, str) else block.get("text") for block in kept]
    return kept if len(kept) != 1 or not isinstance(texts[0], str) else texts[0]


def _is_stored(block: Any) -> bool:
    return isinstance(block, dict) and str(block.get("file_id") or "").startswith(STORED)


def _stripped(message: AnyMessage | BaseMessage, store: ImageStore, last: bool) -> BaseMessage:
    """Return a person's message without pixels: the last one's pictures become addresses, earlier ones a mention."""
    if not isinstance(message, HumanMessage) or isinstance(message.content, str):
        return message
    blocks: list[Any] = []
    for block in readable_parts(message):
        if block["type"] != "image":
            blocks.append(block)
        elif last:
            sha256 = stored_picture(block, store).sha256
            blocks.append({"type": "image", "file_id": STORED + sha256})
        else:
            blocks.append({"type": "text", "text": "(an image)"})
    return message.model_copy(update={"content": blocks})
