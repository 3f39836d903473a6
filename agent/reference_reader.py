"""Where in a reference a concept is, and what it looks like, by a chat model that takes images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from langchain_core.messages import HumanMessage
from pydantic import BaseModel, Field, model_validator

from imagerag.chat_models.images import image_block, limit_of
from imagerag.chat_models.structured import Shape, StructuredModel
from imagerag.chat_models.usage_meter import current_meter
from imagerag.prompts import render

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from PIL import Image

    from imagerag.embedders.window_evidence import Box

SIDE = 768
"""Pixels on the longer side of the picture that the model is shown: a box is read to a hundredth of it."""
LEAST = 0.02
"""Share of the width and height below which a box is none."""
LONGEST_WORDS = 300

Thousandth = Annotated[float, Field(ge=0, le=1000)]


class Place(BaseModel):
    """Where something is in a picture."""

    whole: Annotated[bool, Field(description="it is not there, or fills the picture")] = False
    left: Thousandth = 0
    top: Thousandth = 0
    right: Thousandth = 1000
    bottom: Thousandth = 1000

    @model_validator(mode="after")
    def _is_a_box(self) -> Place:
        if not self.whole and (self.right - self.left < 1000 * LEAST or self.bottom - self.top < 1000 * LEAST):
            raise ValueError("right has to be greater than left, and bottom than top, in thousandths of the picture")
        return self


class Looks(BaseModel):
    """What something looks like."""

    words: Annotated[str, Field(min_length=1, max_length=LONGEST_WORDS)]


class ReferenceReader:
    """See the module. Its word is not measured: no weights of such a model are at hand where this is developed.

    Args:
        model: takes images.
    """

    def __init__(self, model: BaseChatModel) -> None:
        self._model = StructuredModel(model, "reranker")

    def box(self, image: Image.Image, concept: str) -> Box | None:
        """Return the box around a concept in pixels, or ``None`` where that is the whole picture.

        Raises:
            InvalidStructuredAnswer: the model gives none.
        """
        place = self._asked(Place, "where.j2", image, concept)
        if place.whole:
            return None
        wide, high = image.width / 1000, image.height / 1000
        left, top = int(place.left * wide), int(place.top * high)
        right, bottom = round(place.right * wide), round(place.bottom * high)
        return left, top, min(max(right, left + 1), image.width), min(max(bottom, top + 1), image.height)

    def words(self, image: Image.Image, concept: str) -> str:
        """Return in one line what a concept looks like in a picture, at most ``LONGEST_WORDS`` characters.

        Raises:
            InvalidStructuredAnswer: the model gives nothing.
        """
        return " ".join(self._asked(Looks, "looks.j2", image, concept).words.split())

    def _asked(self, shape: type[Shape], template: str, image: Image.Image, concept: str) -> Shape:
        small = image.convert("RGB")
        small.thumbnail((SIDE, SIDE))
        limit = limit_of(self._model.model, current_meter().image_size)
        content: list[Any] = [
            {"type": "text", "text": render(template, concept=concept)},
            image_block(small, limit),
        ]
        return self._model.answer(shape, [HumanMessage(content)], "looking at a reference")
