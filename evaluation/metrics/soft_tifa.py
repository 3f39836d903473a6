"""Presence of each concept by a chat model that sees images, one question a concept: Soft-TIFA (arXiv 2512.16853).

The part of a concept is the probability of the right answer. The value is their arithmetic mean (``soft-tifa``, for
estimates over concepts) or their geometric mean (``soft-tifa-gm``, for estimates over prompts). Where a model tells no
log-probabilities, an answer counts as 0 or 1, which is TIFA (Hu et al. 2023, arXiv 2303.11897), and the notes say so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage

from imagerag.chat_models.client import ModelFailed, ask, status_of
from imagerag.chat_models.images import image_block, limit_of
from imagerag.chat_models.logprobs import asking_for_logprobs
from imagerag.errors import UserError
from imagerag.evaluation.metrics.answers import is_accepted, probability_of
from imagerag.evaluation.metrics.base import MetricContext, Need, count, measurement
from imagerag.evaluation.metrics.questions import Asked, question_about
from imagerag.evaluation.records import Drawing, Measurement, SuitePrompt
from imagerag.store.png import on_white

if TYPE_CHECKING:
    from PIL import Image

Mean = Literal["arithmetic", "geometric"]

BY_WORDS = "answers without log-probabilities, counted as 0 or 1"
UNANSWERED = "drawings of which the model did not answer every question, left out"
LOGPROBS_REFUSED = frozenset({400, 404, 422})


class SoftTifa:
    """The metrics ``soft-tifa`` and ``soft-tifa-gm``.

    Args:
        name: of the metric.
        model: takes images.
        mean: over the concepts of a prompt.
    """

    needs: frozenset[Need] = frozenset(["concepts"])

    def __init__(self, name: str, model: BaseChatModel, mean: Mean) -> None:
        self.name = name
        self.notes: dict[str, int] = {}
        self._model = model
        self._mean = MEANS[mean]
        self._logprobs = asking_for_logprobs(model)

    def measure(self, drawing: Drawing, prompt: SuitePrompt, image: Image.Image) -> Measurement:
        """See ``Metric``.

        Raises:
            UserError: the model can't be used at all: a wrong key, nobody there.
        """
        if not prompt.concepts:
            return measurement(drawing, None)
        shown = on_white(image)
        parts: dict[str, float] = {}
        try:
            likely = [self._probability(question_about(concept), shown) for concept in prompt.concepts]
        except ModelFailed as failed:
            if failed.lasting:
                raise UserError(f"metric {self.name!r}: the model gives no answer: {failed}") from failed
            count(self.notes, UNANSWERED)
            return measurement(drawing, None)
        for concept, probability in zip(prompt.concepts, likely, strict=True):
            parts[concept.text] = round(probability, 6)
        return measurement(drawing, self._mean(likely), parts)

    def _probability(self, asked: Asked, image: Image.Image) -> float:
        content: list[str | dict[Any, Any]] = [
            image_block(image, limit_of(self._model)),
            {"type": "text", "text": asked.text},
        ]
        answer = self._answer([HumanMessage(content)])
        found = probability_of(answer, asked.accepted)
        if found is None:
            count(self.notes, BY_WORDS)
            return float(is_accepted(answer, asked.accepted))
        return found

    def _answer(self, messages: list[HumanMessage]) -> AIMessage:
        try:
            return ask(
                partial(self._model.invoke, **self._logprobs), messages, model=self._model, role="critic"
            ).message
        except ModelFailed as failed:
            refused = status_of(failed.__cause__ or failed) in LOGPROBS_REFUSED or "logprob" in str(failed).lower()
            if not self._logprobs or not refused:
                raise
            # A server that has none may refuse to be asked for them; if that was not why, the next refusal is final.
            self._logprobs = {}
            return self._answer(messages)


def arithmetic(values: Sequence[float]) -> float:
    """Return the mean."""
    return math.fsum(values) / len(values)


def geometric(values: Sequence[float]) -> float:
    """Return the geometric mean; 0 where a value is."""
    return 0.0 if min(values) <= 0 else math.exp(arithmetic([math.log(value) for value in values]))


MEANS: dict[Mean, Callable[[Sequence[float]], float]] = {"arithmetic": arithmetic, "geometric": geometric}


def load_soft_tifa(metric: str, name: str, model: str, mean: Mean, context: MetricContext) -> SoftTifa:
    """Return the metric with a chat model by name.

    Args:
        metric: which of the two.
        name: of the file of its measurements.
        model: as ``--vlm`` takes it.
        mean: over the concepts of a prompt.
        context: knows the run's critic.

    Raises:
        UserError: no model is named, it takes no images, it is the run's critic, or it can't be used.
    """
    from imagerag.agent.registry import load_chat_model
    from imagerag.chat_models.capabilities import takes_images
    from imagerag.chat_models.providers import EXAMPLES

    if not model:
        raise UserError(f"metric {metric!r} asks a chat model that sees images; name it as {metric}:MODEL ({EXAMPLES})")
    if model == context.critic:
        raise UserError(f"metric {metric!r} can't ask {model!r}, the run's critic: it would judge itself; name another")
    loaded = load_chat_model(model, "critic")
    if not takes_images(loaded):
        raise UserError(
            f"metric {metric!r} can't ask {model!r}, which takes no images; name one that does ({EXAMPLES})"
        )
    return SoftTifa(name, loaded, mean)
