"""What the graph takes in, keeps, and gives back; ids and paths, never pixels."""

from collections.abc import Mapping
from typing import Annotated, Any, NotRequired

from langchain_core.messages import AnyMessage
from langgraph.graph.message import add_messages
from typing_extensions import TypedDict

from imagerag.modes import Mode
from imagerag.records import ImageRecord, ReferenceRecord, StopReason, TraceStep, Verdict


class Limits(TypedDict, total=False):
    """Limits of one run; what is left out comes from the context."""

    max_steps: int
    max_generations: int
    max_seconds: float
    max_loading_seconds: float
    max_tokens: int | None
    max_money: float | None


class Spent(TypedDict):
    """What the run has used so far, and which run it is."""

    run: NotRequired[str]
    """Unique among all runs; missing in threads of version 0.1."""
    steps: int
    generations: int
    started: float
    """Seconds since the epoch at the beginning of the turn."""
    loading: NotRequired[float]
    """Seconds of downloading and loading models, which ``max_seconds`` does not count."""
    tokens: int
    money: float | None
    """US dollars; ``None`` once a call of unknown price was made."""
    last_decisions: NotRequired[int]
    """Made by the rules after a limit was reached without an image."""


class RedrawRecord(TypedDict):
    """The image of which a turn draws a part anew."""

    image: str
    """Its address in the image store."""
    mask: str
    """The address of the mask, white where is drawn anew."""
    prompt: str
    """What the image shows; empty where nobody knows."""
    words: NotRequired[str]
    """What the part was asked to show; missing in threads of earlier versions, where the turn's request says it."""


class Input(TypedDict, total=False):
    """A request: ``prompt``, or ``messages`` whose last human message is the request; the rest is optional."""

    prompt: str
    messages: list[AnyMessage | dict[str, Any]]
    subjects: list[str]
    """Files with the user's own subject images."""
    mask: str
    """A file that marks where to redraw, white or transparent: the image that stands, or the first subject."""
    masked: str
    """A file, or an address in the image store: the image that ``mask`` is for."""
    seed: int
    size: str
    """Of the images: ``1024x768``, or an aspect ratio, ``16:9``."""
    budget: Limits


OF_ONE_REQUEST: Mapping[str, Any] = {
    "subjects": [],
    "mask": None,
    "masked": None,
    "seed": None,
    "size": None,
    "budget": {},
}
"""What of a request's input holds for that request alone, and what stands for none of it."""


class Shown(TypedDict):
    """A picture that a turn returned, or showed again; the thread's ``timeline`` is a list of them."""

    image: str
    """Its id."""
    stop_reason: StopReason
    """Why the turn that drew it ended."""


class Output(TypedDict):
    """The outcome of one run (one turn of the thread)."""

    prompt: str
    """The whole of what was asked for, with earlier turns taken into account."""
    image: ImageRecord | None
    """The best image; ``None`` only when the run ended before one was made. Of a turn that was answered in words, the
    picture as it stands."""
    answer: str | None
    """What was said instead of drawing; ``None`` where something was drawn."""
    verdict: Verdict | None
    images: list[ImageRecord]
    """Every image made in this turn, in order; none where it was answered in words."""
    references: list[ReferenceRecord]
    """Every reference that an image of this turn was drawn with."""
    trace: list[TraceStep]
    stop_reason: StopReason
    mode: Mode
    seconds: float
    messages: list[AnyMessage]


def merge_by_id(old: list[Any], new: list[Any]) -> list[Any]:
    """Reducer: append records, replacing those whose ``id`` is there already, in place."""
    merged = {record["id"]: record for record in old}
    merged.update({record["id"]: record for record in new})
    return list(merged.values())


def extend(old: list[Any], new: list[Any]) -> list[Any]:
    """Reducer: append."""
    return [*old, *new]


class Halting(TypedDict):
    """What an edge reads that heeds nothing else: of all it names, LangGraph makes a copy each time."""

    halt: StopReason | None


class Drawn(Halting):
    """What the edge behind the tools reads."""

    all_images: list[ImageRecord]
    turn: int


class State(TypedDict):
    """The thread. ``all_*`` span all turns; the rest is of the current turn."""

    messages: Annotated[list[AnyMessage], add_messages]
    all_images: Annotated[list[ImageRecord], merge_by_id]
    all_references: Annotated[list[ReferenceRecord], merge_by_id]
    all_trace: Annotated[list[TraceStep], extend]
    turn: int
    request_id: NotRequired[str]
    """Of the message that this turn answers; missing in threads of earlier versions."""
    profile: str
    """The thread's own; missing in threads of earlier versions."""
    prompt: str
    base: str | None
    """The earlier image that this turn starts from, if any; where it is answered in words, the one that stands."""
    keep_seed: NotRequired[bool]
    """Whether what doesn't change stays as it is in ``base``; false where another variant is wanted."""
    run_n: NotRequired[int | None]
    """Candidates per drawing that the request asks for, as in "4 variations"; ``None`` leaves that to the settings."""
    run_subjects: NotRequired[list[str]]
    """Ids of the person's own images that this turn draws with; missing in threads of earlier versions: all."""
    timeline: NotRequired[list[Shown]]
    """What turns returned, oldest first; missing in threads of earlier versions."""
    standing: NotRequired[int]
    """Place in ``timeline`` of the picture that the person sees, which "undo" and "redo" move; -1 for none."""
    declined: NotRequired[str]
    """The last request that was not understood of the picture that stands; empty for none; missing in threads of
    earlier versions."""
    approve: NotRequired[bool]
    """Whether a person is asked before each redraw of this turn; missing in turns that earlier versions began."""
    run_seed: int
    run_size: NotRequired[str]
    """As ``size``; empty where it is left to the generator; missing in threads of earlier versions."""
    run_negative: NotRequired[str]
    """What the images must not show; empty where nothing was said; missing in threads of earlier versions."""
    run_redraw: NotRequired[RedrawRecord | None]
    """What is redrawn of an image; missing in threads of earlier versions."""
    limits: Limits
    spent: Spent
    best: str | None
    stale: int
    """Generations since the best image last improved."""
    halt: StopReason | None
    """Why the run must end now; ``None`` while it may go on."""
    subjects: list[str]
    mask: NotRequired[str | None]
    masked: NotRequired[str | None]
    seed: int | None
    size: NotRequired[str | None]
    budget: Limits
    image: ImageRecord | None
    answer: NotRequired[str | None]
    verdict: Verdict | None
    images: list[ImageRecord]
    references: list[ReferenceRecord]
    trace: list[TraceStep]
    stop_reason: StopReason | None
    mode: Mode
    seconds: float
