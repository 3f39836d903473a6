"""The last node: hands over the best image with its verdict, its references, and why the run ended."""

from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage

from imagerag.errors import BudgetExceeded, Cancelled
from imagerag.graphs.components import Components
from imagerag.graphs.conversation import timeline_with
from imagerag.graphs.endings import ENDINGS
from imagerag.graphs.state import State
from imagerag.graphs.state_queries import images_of_turn, used_references
from imagerag.records import ImageRecord, StopReason, TraceStep
from imagerag.steady_clock import steady_time
from imagerag.store.output_files import copy_images
from imagerag.tool_registry import GENERATE, REGENERATE
from imagerag.tools.image_ids import IMAGES
from imagerag.tools.session import Emit

UNFINISHED = "not run to its end"
"""Begins the error of a step that a limit struck in, where nothing else was the cause."""

DRAWING = (GENERATE, REGENERATE, "draw", "redraw")
"""Names that steps which draw have in the trace."""


def unfinished(stop: BudgetExceeded | Cancelled) -> str:
    """Return the error of a step that the run's end struck in: what was the cause, where it is not the run's own."""
    cause = stop.cause if isinstance(stop, BudgetExceeded) else ""
    return cause or f"{UNFINISHED}: {stop}"


def why_ended(reason: StopReason, trace: Sequence[TraceStep]) -> str:
    """Return in words why a turn ended, with the failure of its last drawing where that made no image.

    Args:
        reason: of the end.
        trace: of the turn, in order.
    """
    last = next((step for step in reversed(trace) if step["name"] in DRAWING), None)
    if last is None or not last["error"] or reason in ("cancelled", "satisfied"):
        return ENDINGS[reason]
    if last["error"].startswith(UNFINISHED):  # the limit itself, which the reason tells
        return ENDINGS[reason]
    if reason == "seconds":
        return f"{ENDINGS[reason]}: {last['error']}"
    return f"{ENDINGS[reason]}; the last drawing failed: {last['error']}"


def finish(state: State, components: Components, emit: Emit) -> dict[str, Any]:
    """Return the outcome of the turn: always the image that the critic found best, never just the last one.

    Of a turn that is answered in words that is the picture as it stands.
    """
    if state["halt"] == "answered":
        return answered(state, emit)
    images = images_of_turn(state["all_images"], state["turn"])
    return outcome(state, components, emit, next((record for record in images if record["id"] == state["best"]), None))


def answered(state: State, emit: Emit) -> dict[str, Any]:
    """Return the outcome of a turn in which nothing is drawn: the answer, and the picture as it stands."""
    standing = next((record for record in state["all_images"] if record["id"] == state["base"]), None)
    text = state.get("answer") or ""
    emit({"event": "answer", "text": text, "image": standing})
    emit({"event": "stop", "reason": "answered", "detail": ENDINGS["answered"]})
    shown = [] if standing is None else [{"id": standing["id"], "sha256": standing["sha256"]}]
    return {
        "image": standing,
        "verdict": standing["verdict"] if standing else None,
        "images": [],
        "references": used_references([standing] if standing else [], state["all_references"]),
        "trace": [step for step in state["all_trace"] if step["turn"] == state["turn"]],
        "stop_reason": "answered",
        "seconds": round(steady_time() - state["spent"]["started"], 3),
        "messages": [AIMessage(text, additional_kwargs={IMAGES: shown} if shown else {})],
    }


def outcome(state: State, components: Components, emit: Emit, chosen: ImageRecord | None) -> dict[str, Any]:
    """Return the outcome of the turn with that image as its result.

    Where the context names a folder for results, the images are copied there, and the outcome names the copies.

    Raises:
        UserError: that folder can't be written to.
    """
    images = images_of_turn(state["all_images"], state["turn"])
    reason: StopReason = state["halt"] or "done"
    trace = [step for step in state["all_trace"] if step["turn"] == state["turn"]]
    why = why_ended(reason, trace)
    emit({"event": "stop", "reason": reason, "detail": why})
    if components.settings.out is not None:
        files = [str(components.store.path(record["sha256"])) for record in images]
        stored: list[ImageRecord] = [{**record, "path": file} for record, file in zip(images, files, strict=True)]
        copies = copy_images(stored, state["prompt"], components.settings.out, components.settings.file_name)
        images = [{**record, "path": copies[record["id"]]} for record in images]
        chosen = next((record for record in images if chosen and record["id"] == chosen["id"]), None)
    return {
        "image": chosen,
        "answer": None,
        "verdict": chosen["verdict"] if chosen else None,
        "images": images,
        "references": used_references(images, state["all_references"]),
        "trace": trace,
        "stop_reason": reason,
        **timeline_with(state, chosen, reason),
        "seconds": round(steady_time() - state["spent"]["started"], 3),
        "messages": [_answer(state["prompt"], chosen, why)],
    }


def _answer(prompt: str, best: ImageRecord | None, why: str) -> AIMessage:
    if best is None:
        return AIMessage(f"No image of {prompt!r} was made: {why}.")
    if best["verdict"] is None:
        text = f"{best['id']} was drawn for {prompt!r} and is not judged; {why}."
    else:
        missing = best["verdict"]["missing"]
        lack = f" Still missing: {', '.join(missing)}." if missing else ""
        text = f"{best['id']} shows {prompt!r} (score {best['score']:.2f}); {why}.{lack}"
    return AIMessage(text, additional_kwargs={IMAGES: [{"id": best["id"], "sha256": best["sha256"]}]})
