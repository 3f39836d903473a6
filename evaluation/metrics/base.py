"""What a metric is, and what it may ask for besides the drawing itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from imagerag.evaluation.records import Drawing, Measurement, SuitePrompt, UsedReference

if TYPE_CHECKING:
    from PIL import Image

Need = Literal["concepts", "real images", "references", "seeds"]
"""What a metric needs besides prompt and image: the suite's concepts or held-out pictures, the pixels of the references
that were used, or the drawings of the same arm and prompt with other seeds."""


class Metric(Protocol):
    """Measures drawings, one at a time.

    Attributes:
        name: of the file of its measurements: small letters, digits and hyphens.
        needs: besides prompt and image.
        notes: what a person has to be told: what was left out, and how often; 0 where that doesn't matter.
    """

    name: str
    needs: frozenset[Need]
    notes: dict[str, int]

    def measure(self, drawing: Drawing, prompt: SuitePrompt, image: Image.Image) -> Measurement:
        """Return what it says of a drawing; the value is ``None`` where it does not apply."""
        ...


def no_reference(reference: UsedReference) -> Image.Image | None:
    """Return no pixels: where none are kept."""
    return None


def no_siblings(drawing: Drawing) -> Sequence[Image.Image]:
    """Return no other drawings: where none are kept."""
    return ()


@dataclass(frozen=True)
class MetricContext:
    """What metrics are given to work with.

    Attributes:
        device: a torch device name.
        data: what the paths of a suite's real images are relative to.
        open_reference: gives the pixels of a reference that a drawing was made with; ``None`` where they are gone.
        siblings: gives the images of the same arm and prompt with other seeds.
        critic: of the run; the evaluator may not be the same model.
    """

    device: str = "cpu"
    data: Path | None = None
    open_reference: Callable[[UsedReference], Image.Image | None] = no_reference
    siblings: Callable[[Drawing], Sequence[Image.Image]] = no_siblings
    critic: str = ""


def measurement(drawing: Drawing, value: float | None, parts: dict[str, float] | None = None) -> Measurement:
    """Return a metric's measurement of a drawing."""
    return Measurement(drawing.arm, drawing.prompt, drawing.seed, value, parts or {})


def count(notes: dict[str, int], what: str, times: int = 1) -> None:
    """Count something that a report has to tell."""
    notes[what] = notes.get(what, 0) + times
