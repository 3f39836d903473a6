"""Pictures that come with a request go to the image store before LangGraph sees them: no checkpoint holds pixels."""

from collections.abc import Callable
from typing import Any

from langchain_core.messages import AnyMessage, BaseMessage, HumanMessage, convert_to_messages

from imagerag.errors import UserError
from imagerag.graphs.message_parts import readable_parts
from imagerag.graphs.state_queries import is_request
from imagerag.store.data_urls import decoded, is_data_url, picture_of_base64
from imagerag.store.images import ImageStore, StoredImage

STORED = "sha256:"
"""Begins the ``file_id`` of an image block whose pixels lie in the image store."""


def with_stored_pictures(input: Any, store: Callable[[], ImageStore]) -> Any:
    """Return a graph's input with addresses instead of the pictures in its messages.

    Raises:
        UserError: a picture can't be read or stored.
    """
    if not isinstance(input, dict) or not input.get("messages"):
        return input
    messages = convert_to_messages(input["messages"])
    if all(isinstance(message.content, str) for message in messages):
        return input
    last = max(
        (at for at, message in enumerate(messages) if isinstance(message, HumanMessage) and is_request(message)),
        default=-1,
    )
    there = store()
    return {**input, "messages": [_stripped(message, there, at == last) for at, message in enumerate(messages)]}


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
