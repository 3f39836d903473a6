"""The end of a run as one document: what ``--json`` prints and the page shows."""

from typing import TypedDict

from imagerag.graphs.state import Output
from imagerag.modes import Mode
from imagerag.records import ConceptScore, ReferenceRecord, StopReason, TraceStep, Verdict


class ImageEntry(TypedDict):
    """One image of the run, as the document lists it."""

    id: str
    path: str
    seed: int
    score: float | None
    references: list[str]
    """Ids, to be found in the document's ``references``."""
    reference_scale: float
    parent: str | None
    best: bool
    prompt: str
    verdict: Verdict | None


class About(TypedDict):
    """How the run was asked for, and what was told while it went on."""

    pipeline: str
    profile: str
    generator: str
    vlm: str
    critic: str
    thread_id: str
    notes: list[str]
    stop_detail: str


class Document(About):
    """The JSON object of a run. Paths are absolute; with ``--out`` they point there."""

    prompt: str
    answer: str | None
    """What was said instead of drawing; ``None`` where something was drawn."""
    image: str | None
    """Path of the best image, or of the picture as it stands where nothing was drawn."""
    score: float | None
    satisfied: bool
    missing: list[str]
    stop_reason: StopReason
    images: list[ImageEntry]
    references: list[ReferenceRecord]
    concepts: list[ConceptScore]
    verdict: Verdict | None
    seed: int | None
    """Of the best image."""
    mode: Mode
    seconds: float
    trace: list[TraceStep]
    html: str | None


class Failure(TypedDict):
    """The JSON object when there was no run, or none that came to its end."""

    stop_reason: StopReason
    error: str


def document_of(output: Output, about: About) -> Document:
    """Return the document of a finished run.

    Args:
        output: what the graph returned.
        about: what the graph's output does not say.
    """
    best, verdict = output["image"], output["verdict"]
    images: list[ImageEntry] = [
        {
            "id": record["id"],
            "path": record["path"],
            "seed": record["seed"],
            "score": record["score"],
            "references": record["references"],
            "reference_scale": record["reference_scale"],
            "parent": record["parent"],
            "best": best is not None and record["id"] == best["id"],
            "prompt": record["prompt"],
            "verdict": record["verdict"],
        }
        for record in output["images"]
    ]
    return {
        "prompt": output["prompt"],
        "answer": output.get("answer"),
        "image": best["path"] if best else None,
        "score": best["score"] if best else None,
        "satisfied": bool(verdict and verdict["satisfied"]),
        "missing": verdict["missing"] if verdict else [],
        "stop_reason": output["stop_reason"],
        "images": images,
        "references": output["references"],
        "concepts": verdict["concepts"] if verdict else [],
        "verdict": verdict,
        "seed": best["seed"] if best else None,
        "mode": output["mode"],
        "seconds": round(output["seconds"], 3),
        "trace": output["trace"],
        "html": None,
        **about,
    }
