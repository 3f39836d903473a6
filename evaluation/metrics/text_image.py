"""Similarity of an image and its prompt, by any CLIP or SigLIP model: the cosine of their embeddings, -1..1.

ImageRAG reports both (arXiv 2502.09411, table 1): CLIP ViT-B/32 of OpenAI, and SigLIP as open_clip has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagerag.evaluation.metrics.base import MetricContext, Need, measurement
from imagerag.evaluation.records import Drawing, Measurement, SuitePrompt

if TYPE_CHECKING:
    from PIL import Image

    from imagerag.embedders.clip import Embedder


class TextImageSimilarity:
    """The metrics ``clip`` and ``siglip``.

    Args:
        name: of the metric.
        model: as ``imagerag.embedders.clip.full_name`` takes it.
        context: where it computes, and which critic the run had.

    Raises:
        UserError: the model is not known, or can't be loaded.
    """

    needs: frozenset[Need] = frozenset()

    def __init__(self, name: str, model: str, context: MetricContext) -> None:
        from imagerag.embedders.clip import full_name, load_embedder

        self.name = name
        self.notes: dict[str, int] = {}
        self._embedder: Embedder = load_embedder(full_name(model), context.device)
        critic = "clip:embedded" if context.critic == "clip" else context.critic
        if critic.startswith("clip:") and full_name(critic.removeprefix("clip:")) == full_name(model):
            self.notes[f"{model!r} is the run's critic, too: what it was drawn to please is no evidence"] = 0

    def measure(self, drawing: Drawing, prompt: SuitePrompt, image: Image.Image) -> Measurement:
        """See ``Metric``."""
        (text,), (shown,) = self._embedder.embed_texts([prompt.text]), self._embedder.embed_images([image])
        return measurement(drawing, float(text @ shown))
