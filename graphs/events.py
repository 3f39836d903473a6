"""What a run emits while it goes on: LangGraph ``custom`` stream chunks that every interface can show."""

from collections.abc import Mapping
from typing import Any, Literal, NotRequired, TypedDict

from imagerag.records import ImageRecord, ReferenceRecord, StopReason, Verdict


class ProgressEvent(TypedDict):
    """One denoising step of a drawing, one batch of an index build, or half a second of loading models."""

    event: Literal["progress"]
    what: str
    """``drawing``, ``indexing`` or ``loading``."""
    done: int
    total: int
    """Of downloads in bytes, about; 0 where it isn't known."""
    text: NotRequired[str]
    """What to show instead of "step ``done`` of ``total``"."""


def progress_text(event: Mapping[str, Any]) -> str:
    """Return a progress event in words."""
    return str(event.get("text") or f"{event['what']}: step {event['done']} of {event['total']}")


class PreviewEvent(TypedDict):
    """What the drawing will be, roughly; not every generator shows it, and not after every step."""

    event: Literal["preview"]
    png: str
    """A PNG of at most 128 pixels a side, in base64."""


class ImagesEvent(TypedDict):
    """Images were drawn; they have no verdict yet."""

    event: Literal["images"]
    images: list[ImageRecord]


class VerdictEvent(TypedDict):
    """The critic has judged one image."""

    event: Literal["verdict"]
    image: ImageRecord
    verdict: Verdict
    best: bool
    """It is the best image of the turn so far."""


class CaptionsEvent(TypedDict):
    """Retrieval captions were proposed, by missing concept."""

    event: Literal["captions"]
    captions: dict[str, list[str]]


class ReferencesEvent(TypedDict):
    """References were looked up; an empty list says that the library has nothing close enough."""

    event: Literal["references"]
    references: list[ReferenceRecord]


class NoteEvent(TypedDict):
    """Something the person should know: a part of the prompt that can't be drawn, an error sent back to the model."""

    event: Literal["note"]
    text: str


class AnswerEvent(TypedDict):
    """The request is answered in words, and nothing is drawn."""

    event: Literal["answer"]
    text: str
    image: ImageRecord | None
    """The picture as it stands; ``None`` where there is none."""


class StopEvent(TypedDict):
    """The run has ended."""

    event: Literal["stop"]
    reason: StopReason
    detail: str


Event = (
    ProgressEvent
    | PreviewEvent
    | ImagesEvent
    | VerdictEvent
    | CaptionsEvent
    | ReferencesEvent
    | NoteEvent
    | AnswerEvent
    | StopEvent
)
