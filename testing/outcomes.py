"""Outcomes of a run, as the graph returns them."""

from pathlib import Path

from imagerag.records import ImageRecord, Verdict
from imagerag.report.json_document import About

ABOUT: About = {
    "pipeline": "agent",
    "profile": "pictograms",
    "generator": "patchwork",
    "vlm": "rules",
    "critic": "clip",
    "thread_id": "t",
    "notes": [],
    "stop_detail": "the critic is satisfied",
}


def verdict(score: float) -> Verdict:
    present = score > 0.5
    return {
        "satisfied": present,
        "score": score,
        "concepts": [{"concept": "owl <b>", "kind": "content", "present": present, "score": score}],
        "missing": [] if present else ["owl <b>"],
        "critic": "clip",
    }


def image_record(number: int, path: Path, score: float, references: list[str], parent: str | None) -> ImageRecord:
    return {
        "id": f"image-{number}",
        "path": str(path),
        "sha256": "0" * 64,
        "prompt": "an owl",
        "seed": number,
        "generator": "patchwork",
        "references": references,
        "reference_scale": 0.5 if references else 0.0,
        "turn": 1,
        "step": number,
        "parent": parent,
        "score": score,
        "verdict": verdict(score),
    }
