"""Drawings, prompts and pictures for the tests of metrics."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from imagerag.evaluation.metrics.base import MetricContext
from imagerag.evaluation.records import Concept, Drawing, SuitePrompt, UsedReference
from imagerag.store.manifest import address

OWL = SuitePrompt("0001-an-owl", "an owl", (Concept("owl", "thing", "owl"),), "known")


def drawing(seed: int = 0, references: tuple[UsedReference, ...] = (), **others: Any) -> Drawing:
    told: dict[str, Any] = {
        "arm": "agent", "prompt": OWL.name, "seed": seed, "image": "0" * 64, "generations": 1, "steps": 20, "calls": 0,
        "tokens": 0, "money": 0.0, "seconds": 1.0, "stop_reason": "satisfied", "score": 0.9, "verdict": {},
    }  # fmt: skip
    return Drawing(**told | others, references=references)


def reference(picture: Image.Image, concept: str = "owl") -> UsedReference:
    """A reference as the store knows it: by its pixels."""
    return UsedReference(concept, f"an {concept}", concept, address(picture.tobytes(), picture.size, picture.mode), 0.5)


def noise(seed: int, size: tuple[int, int] = (48, 32)) -> Image.Image:
    """A picture like no other."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    return Image.fromarray(pixels)


def plain(colour: str) -> Image.Image:
    return Image.new("RGB", (32, 32), colour)


def real(folder: Path, *pictures: Image.Image) -> SuitePrompt:
    """A prompt with real pictures in a folder."""
    names = []
    for number, picture in enumerate(pictures):
        picture.save(folder / f"{number}.png")
        names.append(f"{number}.png")
    return SuitePrompt(OWL.name, OWL.text, images=tuple(names))


def opening(*pictures: Image.Image) -> MetricContext:
    """The context of a run that kept these references."""
    known = {reference(picture).sha256: picture for picture in pictures}
    return MetricContext(open_reference=lambda used: known.get(used.sha256))
