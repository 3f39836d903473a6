"""The last node: hands over the best image with its verdict, its references, and why the run ended."""

from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage

from imagerag.errors import BudgetExceeded, Cancelled
from imagerag.graphs.components import Components
from imagerag.graphs.state import State
from imagerag.graphs.state_queries import images_of_turn, used_references
from imagerag.records import ImageRecord, StopReason, TraceStep
from imagerag.steady_clock import steady_time
from imagerag.store.output_files import copy_images
from imagerag.tool_registry import GENERATE, REGENERATE
from imagerag.tools.image_ids import IMAGES
from imagerag.tools.session import Emit

ENDINGS: dict[StopReason, str] = {
    "satisfied": "the critic is satisfied",
    "done": "nothing more was left to try",
    "no_improvement": "redrawing no longer made it better",
    "uncalibrated": "the critic is not calibrated, which is no ground for a redraw",
    "steps": "the step budget ran out",
    "generations": "the generation budget ran out",
    "seconds": "the time budget ran out",
    "loading": "models took longer to download and load than max_loading_seconds allows",
    "tokens": "the token budget ran out",
    "money": "the money budget ran out",
    "cancelled": "it was cancelled",
    "unavailable": "the generator's server can't be reached or is busy",
    "error": "an error ended it",
}


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
    if reason == "seconds":
        return ENDINGS[reason] if last["error"].startswith(UNFINISHED) else f"{ENDINGS[reason]}: {last['error']}"
    return f"{ENDINGS[reason]}; the last drawing failed: {last['error']}"


def finish(state: State, components: Components, emit: Emit) -> dict[str, Any]:
    """Return the outcome of the turn: always the image that the critic found best, never just the last one."""
    images = images_of_turn(state["all_images"], state["turn"])
    return outcome(state, components, emit, next((record for record in images if record["id"] == state["best"]), None))


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
        "verdict": chosen["verdict"] if chosen else None,
        "images": images,
        "references": used_references(images, state["all_references"]),
        "trace": trace,
        "stop_reason": reason,
        "seconds": round(steady_time() - state["spent"]["started"], 3),
        "messages": [_answer(state["prompt"], chosen, why)],
    }


def _answer(prompt: str, best: ImageRecord | None, why: str) -> AIMessage:
    if best is None or best["verdict"] is None:
        return AIMessage(f"No image of {prompt!r} was made: {why}.")
    missing = best["verdict"]["missing"]
    lack = f" Still missing: {', '.join(missing)}." if missing else ""
    text = f"{best['id']} shows {prompt!r} (score {best['score']:.2f}); {why}.{lack}"
    return AIMessage(text, additional_kwargs={IMAGES: [{"id": best["id"], "sha256": best["sha256"]}]})
