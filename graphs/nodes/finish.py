"""The last node: hands over the best image with its verdict, its references, and why the run ended."""

import time
from typing import Any

from langchain_core.messages import AIMessage

from imagerag.graphs.components import Components
from imagerag.graphs.state import State
from imagerag.graphs.state_queries import images_of_turn, used_references
from imagerag.records import ImageRecord, StopReason
from imagerag.store.output_files import copy_images
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
    "error": "an error ended it",
}


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
    emit({"event": "stop", "reason": reason, "detail": ENDINGS[reason]})
    if components.settings.out is not None:
        files = [str(components.store.path(record["sha256"])) for record in images]
        stored: list[ImageRecord] = [{**record, "path": file} for record, file in zip(images, files, strict=True)]
        copies = copy_images(stored, state["prompt"], components.settings.out)
        images = [{**record, "path": copies[record["id"]]} for record in images]
        chosen = next((record for record in images if chosen and record["id"] == chosen["id"]), None)
    return {
        "image": chosen,
        "verdict": chosen["verdict"] if chosen else None,
        "images": images,
        "references": used_references(images, state["all_references"]),
        "trace": [step for step in state["all_trace"] if step["turn"] == state["turn"]],
        "stop_reason": reason,
        "seconds": round(time.time() - state["spent"]["started"], 3),
        "messages": [_answer(state["prompt"], chosen, reason)],
    }


def _answer(prompt: str, best: ImageRecord | None, reason: StopReason) -> AIMessage:
    if best is None or best["verdict"] is None:
        return AIMessage(f"No image of {prompt!r} was made: {ENDINGS[reason]}.")
    missing = best["verdict"]["missing"]
    lack = f" Still missing: {', '.join(missing)}." if missing else ""
    text = f"{best['id']} shows {prompt!r} (score {best['score']:.2f}); {ENDINGS[reason]}.{lack}"
    return AIMessage(text, additional_kwargs={IMAGES: [{"id": best["id"], "sha256": best["sha256"]}]})
