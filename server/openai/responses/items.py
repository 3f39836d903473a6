"""The items of a response's input: messages, pictures made before, and references to either."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, TypeAdapter

from imagerag.server.api_error import ApiError
from imagerag.server.openai.base import validated
from imagerag.server.openai.conversation import Base, Picture, Said, Words
from imagerag.server.openai.history import last_request, unread_message, without_unreadable
from imagerag.server.uploads import data_url

Known = Callable[[str], Base | None]
"""Returns the state of the conversation that an item of ours left, by its id."""


class WordsPart(BaseModel):
    """Words."""

    type: Literal["input_text", "output_text", "text"]
    text: str


class RefusalPart(BaseModel):
    """Words of a model that did not do as asked."""

    type: Literal["refusal"]
    refusal: str


class PicturePart(BaseModel):
    """A picture by address or by its upload's id."""

    type: Literal["input_image"]
    image_url: str | None = None
    file_id: str | None = None


class FilePart(BaseModel):
    """A picture as a file."""

    type: Literal["input_file"]
    file_id: str | None = None
    file_data: str | None = None
    file_url: str | None = None


Part = Annotated[WordsPart | RefusalPart | PicturePart | FilePart, Field(discriminator="type")]


class MessageItem(BaseModel):
    """One message."""

    id: str | None = None
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part]


class Input(BaseModel):
    """One message under its place in the input, by which errors tell of it."""

    input: dict[int, MessageItem]


def said_in(items: str | Sequence[Any], known: Known) -> tuple[list[Said], list[str]]:
    """Return what was said, and the names of the items and roles that change nothing.

    Args:
        items: ``input`` of the request.
        known: finds our own items.

    Raises:
        ApiError: an item that should be a message and is none, a reference to none of ours, or too many words.
    """
    words = Words("input")
    if isinstance(items, str):
        return [Said("user", words.joined([items]))], []
    said: list[Said] = []
    unused: dict[str, None] = {}
    last = last_request([item if _kind(item) == "message" else None for item in items])
    for place, item in enumerate(items):
        match _kind(item):
            case "message":
                if place != last:
                    item, left_out = _understood(item)
                    unused |= dict.fromkeys(left_out)
                try:
                    message = validated(Input, {"input": {place: item}}).input[place]
                except ApiError:
                    if place >= last:
                        raise
                    unused[unread_message(item)] = None
                    continue
                said.append(_said(message, known, words))
                if message.role not in ("user", "assistant"):
                    unused[f"messages of role {message.role}"] = None
            case "item_reference":
                base = known(str(item.get("id")))
                if base is None:
                    text = f"item {str(item.get('id'))[:80]!r} is not one of yours, or not kept any more"
                    raise ApiError(400, text, "item_not_found", "input")
                said.append(Said("assistant", "", base=base))
            case "image_generation_call" if base := known(str(item.get("id"))):
                said.append(Said("assistant", "", base=base))
            case kind:
                unused[f"input items of type {str(kind)[:40]}"] = None
    return said, list(unused)


def _kind(item: Any) -> str:
    if not isinstance(item, dict):
        return "message"
    return item.get("type") or ("item_reference" if set(item) <= {"id", "type"} else "message")


def _understood(item: Any) -> tuple[Any, list[str]]:
    """Return a message of the history with the parts that are understood, and names of the others."""
    if isinstance(item, dict) and "role" in item and item.get("content") is None:
        return item | {"content": []}, []
    return without_unreadable(item, _PART)


def _with_its_picture(part: Part) -> Part:
    names = ("file_id", "image_url", "file_data", "file_url")
    if isinstance(part, PicturePart | FilePart) and not any(getattr(part, name, None) for name in names):
        raise ValueError("it has no picture")
    return part


_PART: TypeAdapter[Part] = TypeAdapter(Annotated[Part, AfterValidator(_with_its_picture)])
"""A part of the history: one that says that it is a picture has one."""


def _said(message: MessageItem, known: Known, count: Words) -> Said:
    parts = [WordsPart(type="text", text=message.content)] if isinstance(message.content, str) else message.content
    words = [part.text if isinstance(part, WordsPart) else part.refusal for part in parts if not _is_picture(part)]  # type: ignore[union-attr]
    pictures = tuple(_picture(part) for part in parts if isinstance(part, PicturePart | FilePart))
    base = known(message.id) if message.id and message.role == "assistant" else None
    return Said(message.role, count.joined(words), pictures, base)


def _is_picture(part: Any) -> bool:
    return isinstance(part, PicturePart | FilePart)


def _picture(part: PicturePart | FilePart) -> Picture:
    """Return a picture.

    Raises:
        ApiError: it has neither id nor data nor address.
    """
    if part.file_id:
        return Picture(file_id=part.file_id)
    if isinstance(part, PicturePart) and part.image_url:
        return Picture(url=part.image_url)
    if isinstance(part, FilePart) and part.file_data:
        return Picture(url=data_url(part.file_data))
    if isinstance(part, FilePart) and part.file_url:
        return Picture(url=part.file_url)
    names = "'file_id' or 'image_url'" if isinstance(part, PicturePart) else "'file_id', 'file_data' or 'file_url'"
    raise ApiError(400, f"a part of type {part.type!r} has no {names}", "invalid_value", "input")
