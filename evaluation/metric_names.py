"""The metrics of an evaluation by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from imagerag.errors import UserError
from imagerag.evaluation.records import Drawing, Measurement, SuitePrompt

if TYPE_CHECKING:
    from PIL import Image


class Metric(Protocol):
    """Measures one image."""

    @property
    def name(self) -> str:
        """Of the file of its measurements, and in the report."""

    def measure(self, drawing: Drawing, prompt: SuitePrompt, image: Image.Image) -> Measurement:
        """Return what it says of an image, as opened from its PNG."""


def _presence() -> Metric:
    from imagerag.evaluation.presence import PictogramPresence

    return PictogramPresence()


def _wrong_references() -> Metric:
    from imagerag.evaluation.presence import WrongReferences

    return WrongReferences()


METRICS: Mapping[str, Callable[[], Metric]] = {"presence": _presence, "wrong_references": _wrong_references}


def load_metric(name: str) -> Metric:
    """Return the metric of that name.

    Raises:
        UserError: there is none.
    """
    if name not in METRICS:
        raise UserError(f"metric {name!r} is not known; valid: {', '.join(METRICS)}")
    return METRICS[name]()
