"""Reading a thread's state: what belongs to the current turn, and which tools a mode offers. Pure functions."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, ToolMessage

from imagerag.graphs.state import Drawn, RedrawRecord, State
from imagerag.records import ImageRecord, QuoteRecord, ReferenceRecord
from imagerag.tool_registry import FIND_FACTS, SEARCH_REFERENCES, tools_of_mode

CRITIC = "critic"
"""Name of the messages in which the critic reports to the model."""


def images_of_turn(images: list[ImageRecord], turn: int) -> list[ImageRecord]:
    """Return the images made in that turn, in order."""
    return [record for record in images if record["turn"] == turn]


def unjudged(state: Drawn | State) -> list[ImageRecord]:
    """Return the images of this turn that the critic has not seen; those of a turn that crashed stay unjudged."""
    return [record for record in images_of_turn(state["all_images"], state["turn"]) if record["verdict"] is None]


def subjects_of(state: State) -> list[ReferenceRecord]:
    """Return the person's own images that this turn draws with."""
    wanted = state.get("run_subjects")
    own = [record for record in state["all_references"] if record["kind"] == "subject"]
    return own if wanted is None else [record for record in own if record["id"] in wanted]


def used_references(images: list[ImageRecord], references: list[ReferenceRecord]) -> list[ReferenceRecord]:
    """Return the references that any of the images was drawn with."""
    used = {reference_id for record in images for reference_id in record["references"]}
    return [record for record in references if record["id"] in used]


def offered_tools(state: State, extra: Iterable[str] = ()) -> frozenset[str]:
    """Return the names of the tools that the model may call now; see ``imagerag.tool_registry.tools_of_mode``.

    Args:
        state: of the thread.
        extra: names of tools of packages and mounted servers.
    """
    only_look_up = not images_of_turn(state["all_images"], state["turn"]) and not has_searched(state["messages"])
    return tools_of_mode(state["mode"], extra, only_look_up=only_look_up)


def since_request(messages: list[AnyMessage]) -> list[AnyMessage]:
    """Return the messages from the last request of the person on; the critic's reports are not requests."""
    for position in range(len(messages) - 1, -1, -1):
        if is_request(messages[position]):
            return messages[position:]
    return []


def is_request(message: AnyMessage) -> bool:
    """Tell whether a message is the person's own."""
    return message.type == "human" and message.name != CRITIC


def redrawn_by(request: AnyMessage) -> RedrawRecord | None:
    """Return of which image a request redrew a part, and the mask; ``None`` where it drew whole images."""
    return request.additional_kwargs.get("redrawn")


def part_redrawn(state: State | Mapping[str, Any], turn: int) -> RedrawRecord | None:
    """Return of which image a turn's request redrew a part, with the words for it; ``None`` where it drew whole images.

    Args:
        state: of the thread.
        turn: number of the turn, from 1.
    """
    requests = [message for message in state.get("messages") or () if is_request(message)]
    request = requests[turn - 1] if 1 <= turn <= len(requests) else None
    record = redrawn_by(request) if request is not None else None
    return None if request is None or record is None else {**record, "words": record.get("words") or str(request.text)}


def has_searched(messages: list[AnyMessage]) -> bool:
    """Tell whether a look-up was made since the last request."""
    return any(
        isinstance(message, ToolMessage) and message.name == SEARCH_REFERENCES and message.status == "success"
        for message in since_request(messages)
    )


def quotes_in(messages: Sequence[AnyMessage]) -> list[QuoteRecord]:
    """Return what the tool for facts has found, by its results among the messages."""
    return [
        quote
        for message in messages
        if isinstance(message, ToolMessage) and message.name == FIND_FACTS and message.status == "success"
        for quote in message.artifact["quotes"]
    ]


def unanswered_calls(messages: list[AnyMessage]) -> list[dict[str, Any]]:
    """Return the tool calls of the last model message that have no result yet (a crash can leave some)."""
    answered = {message.tool_call_id for message in messages if isinstance(message, ToolMessage)}
    for message in reversed(messages):
        if isinstance(message, AIMessage):
            return [dict(call) for call in message.tool_calls if call["id"] not in answered]
    return []
