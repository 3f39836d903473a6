"""What was looked up, put in a better order: by a vision-language model that looks at it, or by the user's subject."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage
from PIL import Image
from pydantic import BaseModel, Field

from imagerag.chat_models.images import image_block, limit_of
from imagerag.chat_models.structured import InvalidStructuredAnswer, StructuredModel
from imagerag.chat_models.usage_meter import current_meter
from imagerag.index.fusion import fuse, ranked
from imagerag.prompts import render

if TYPE_CHECKING:
    from imagerag.embedders.clip import Embedder

SIDE = 256
"""Pixels on the longer side of a candidate that a model is shown: enough to tell what it is, a few hundred tokens."""


class Ranking(BaseModel):
    """The candidates of one caption that show it."""

    caption: Annotated[int, Field(ge=1, description="number of the caption")]
    best: Annotated[list[int], Field(max_length=64, description="numbers of its candidates that show it, best first")]


class Rankings(BaseModel):
    """One ranking per caption."""

    rankings: list[Ranking]


class VlmReranker:
    """Asks a vision-language model which of the candidates really show what was looked for.

    All captions of a look-up are one question. What the model does not name is left out, since a wrong reference harms
    more than none. Where it gives nothing usable, the order stays.

    Args:
        model: takes images.
    """

    def __init__(self, model: BaseChatModel) -> None:
        self._model = StructuredModel(model, "reranker")

    def rerank(
        self, captions: Sequence[str], candidates: Sequence[Sequence[Image.Image]], subjects: Sequence[Image.Image]
    ) -> list[list[int]]:
        """See ``Reranker``."""
        asked = [at for at, pictures in enumerate(candidates) if len(pictures) > 1]
        orders = [list(range(len(pictures))) for pictures in candidates]
        if not asked:
            return orders
        content: list[Any] = [{"type": "text", "text": render("rerank.j2", captions=[captions[at] for at in asked])}]
        limit = limit_of(self._model.model, current_meter().image_size)
        for number, at in enumerate(asked, 1):
            for place, picture in enumerate(candidates[at], 1):
                label = f"caption {number}, candidate {place}:"
                content += [{"type": "text", "text": label}, image_block(_small(picture), limit)]
        try:
            answer = self._model.answer(Rankings, [HumanMessage(content)], "re-ranking")
        except InvalidStructuredAnswer as error:
            current_meter().notes.append(f"{error}; the order stays")
            return orders
        for ranking in answer.rankings:
            if ranking.caption <= len(asked):
                of_it = orders[asked[ranking.caption - 1]]
                best = [place - 1 for place in dict.fromkeys(ranking.best) if 0 < place <= len(of_it)]
                if best or not ranking.best:
                    orders[asked[ranking.caption - 1]] = best
        return orders


class SubjectReranker:
    """Ranks by how much a candidate looks like the user's own subject, together with how well it answers the caption.

    Both orders are fused by their ranks. Without a subject the order stays.

    Args:
        embedder: gives the embedder whose image space is used, when it is first needed.
    """

    def __init__(self, embedder: "Callable[[], Embedder]") -> None:
        self._embedder = embedder

    def rerank(
        self, captions: Sequence[str], candidates: Sequence[Sequence[Image.Image]], subjects: Sequence[Image.Image]
    ) -> list[list[int]]:
        """See ``Reranker``."""
        orders = [list(range(len(pictures))) for pictures in candidates]
        if not subjects or not any(orders):
            return orders
        every = self._embedder().embed_images([*subjects, *(one for pictures in candidates for one in pictures)])
        wanted, rest = every[: len(subjects)], every[len(subjects) :]
        out = []
        for order in orders:
            likeness = (rest[: len(order)] @ wanted.T).max(axis=1) if order else np.empty(0)
            rest = rest[len(order) :]
            alike = [int(at) for at in np.argsort(-likeness, kind="stable")]
            score = fuse([[f"{at:04d}" for at in order], [f"{at:04d}" for at in alike]])
            out.append([int(key) for key in ranked(score)])
        return out


def _small(picture: Image.Image) -> Image.Image:
    small = picture.copy()
    small.thumbnail((SIDE, SIDE))
    return small
