"""The end of a run as one document: what ``--json`` prints and the page shows."""

from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

from imagerag.cli.files import cannot_write, make_folder, readable_name, write_new
from imagerag.graphs.state import Output
from imagerag.records import ConceptScore, Mode, ReferenceRecord, StopReason, TraceStep, Verdict


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
    generator: str
    vlm: str
    critic: str
    thread_id: str
    notes: list[str]
    stop_detail: str


class Document(About):
    """The JSON object of a run. Paths are absolute; with ``--out`` they point there."""

    prompt: str
    image: str | None
    """Path of the best image."""
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


def document_of(output: Output, paths: Mapping[str, str], about: About) -> Document:
    """Return the document of a finished run.

    Args:
        output: what the graph returned.
        paths: of images by id, where they are not those of the store.
        about: what the graph's output does not say.
    """
    best, verdict = output["image"], output["verdict"]
    images: list[ImageEntry] = [
        {
            "id": record["id"],
            "path": paths.get(record["id"], record["path"]),
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
        "image": paths.get(best["id"], best["path"]) if best else None,
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


def copy_images(output: Output, folder: str | Path) -> dict[str, str]:
    """Copy the images of a run to a folder under readable names; return the new paths by image id.

    Raises:
        UserError: the folder can't be written to; what was copied before stays.
    """
    target = make_folder(folder).absolute()
    stem = readable_name(output["prompt"])
    paths: dict[str, str] = {}
    for record in output["images"]:
        source = Path(record["path"])
        try:
            data = source.read_bytes()
        except OSError as error:
            raise cannot_write(source, error) from error
        paths[record["id"]] = str(write_new(target, stem, source.suffix or ".png", data, numbered=True))
    return paths
