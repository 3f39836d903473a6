"""What a family of models promises, and the simplest: words alone."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, Protocol

from imagerag.generators.base import DrawRequest, Reference
from imagerag.generators.diffusion import words
from imagerag.generators.diffusion.canvases import canvas_of
from imagerag.generators.diffusion.presets import Preset
from imagerag.generators.diffusion.structured_prompts import structured
from imagerag.generators.diffusion.words import Words


class Family(Protocol):
    """One way for references to go in, bound to one loaded pipeline."""

    @staticmethod
    def components(preset: Preset, class_name: str, **options: Any) -> dict[str, Any]:
        """Load what the pipeline's own folder lacks; keyword arguments for ``from_pretrained``."""

    def prepare(self) -> None:
        """Finish the pipeline once its weights are loaded, before they are placed."""

    def pipeline_for(self, references: Sequence[Reference]) -> Any:
        """Return the pipeline that draws with these references; always over the same weights."""

    def words(self, prompt: str, references: Sequence[Reference]) -> Words:
        """Return what the model is told."""

    def canvas(self, request: DrawRequest) -> tuple[int, int]:
        """Return the width and height in pixels at which a request is drawn."""

    def counted(self, request: DrawRequest) -> DrawRequest:
        """Return a request without the references that count for nothing, where they can't go in at no strength."""

    def takes_batches(self, request: DrawRequest) -> bool:
        """Tell whether the candidates of a request can be drawn at once."""

    def arguments(self, request: DrawRequest) -> dict[str, Any]:
        """Return the pipeline's keyword arguments for the references; encodes none that it knows already."""


class TextFamily:
    """Words alone."""

    def __init__(self, pipeline: Any, preset: Preset) -> None:
        self.pipeline = pipeline
        self.preset = preset

    @property
    def class_name(self) -> str:
        """The pipeline's class, which tells apart what one family holds."""
        return type(self.pipeline).__name__

    @staticmethod
    def components(preset: Preset, class_name: str, **options: Any) -> dict[str, Any]:
        """Nothing is lacking."""
        return {}

    def prepare(self) -> None:
        """Nothing to do."""

    def counted(self, request: DrawRequest) -> DrawRequest:
        """Return the request as it is: a scale of 0 is one like others."""
        return request

    def takes_batches(self, request: DrawRequest) -> bool:
        """Whether the pipeline has the parameter for it."""
        drawing = self.pipeline_for(request.references)
        return "num_images_per_prompt" in inspect.signature(drawing.__call__).parameters

    def pipeline_for(self, references: Sequence[Reference]) -> Any:
        """Return the one pipeline."""
        return self.pipeline

    def words(self, prompt: str, references: Sequence[Reference]) -> Words:
        """Return the prompt in the form that the model reads, and what of it doesn't fit."""
        return structured(self.class_name, self._fitted(prompt, prompt))

    def _fitted(self, prompt: str, asked: str) -> Words:
        return words.fitted(self.pipeline, prompt, asked, self.preset.prompt_tokens)

    def canvas(self, request: DrawRequest) -> tuple[int, int]:
        """Return the size nearest to what is asked for that the model was trained for."""
        return canvas_of(self.class_name, (self.preset.width, self.preset.height), request.size)

    def arguments(self, request: DrawRequest) -> dict[str, Any]:
        """Return nothing: there are no references."""
        return {}
