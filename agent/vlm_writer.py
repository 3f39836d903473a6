"""A chat model as the writer of captions, rephrased prompts and follow-ups; where it fails, the rules write."""

from collections.abc import Sequence
from typing import Annotated

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage
from pydantic import BaseModel, Field

from imagerag.agent.protocols import Brief, PastImage, Writer
from imagerag.chat_models.structured import InvalidStructuredAnswer, Shape, StructuredModel
from imagerag.chat_models.usage_meter import current_meter
from imagerag.generators.base import ImageKind
from imagerag.prompts import render

Line = Annotated[str, Field(min_length=1, max_length=1000)]


class CaptionsOf(BaseModel):
    """The captions of one concept."""

    concept: str
    captions: Annotated[list[Line], Field(min_length=1, max_length=5)]


class Captions(BaseModel):
    """Captions to search with."""

    concepts: list[CaptionsOf]


class Rephrased(BaseModel):
    """The prompt, reworded."""

    prompt: Line


class NextPicture(BaseModel):
    """What a request asks for after the pictures before it."""

    prompt: Annotated[str, Field(min_length=1, max_length=4000, description="the whole picture, on its own")]
    base: Annotated[str | None, Field(description="id of the image that it changes or varies, if any")] = None
    keep_seed: Annotated[bool, Field(description="false where another variant is wanted")] = True


class VlmWriter:
    """Words by a chat model; never more than one call and one repair for each thing asked of it.

    Args:
        model: any chat model; it is sent words only.
        rules: writes where the model gives nothing usable, and reads a first request, which needs no model.
        kind: of the pictures that its captions are to find.
    """

    def __init__(self, model: BaseChatModel, rules: Writer, kind: ImageKind = "pictograms") -> None:
        self._kind = kind
        self._model = StructuredModel(model, "writer")
        self._rules = rules

    def captions(self, prompt: str, concepts: Sequence[str], per_concept: int) -> dict[str, list[str]]:
        """Return stand-alone captions per concept; the rules' where the model leaves a concept out."""
        ruled = self._rules.captions(prompt, concepts, per_concept)
        text = render("captions.j2", prompt=prompt, concepts=list(concepts), per_concept=per_concept, kind=self._kind)
        answer = self._ask(Captions, text, "captions")
        if answer is None:
            return ruled
        given = {entry.concept.strip().lower(): entry.captions for entry in answer.concepts}
        return {name: list(given.get(name.strip().lower(), of_it))[:per_concept] for name, of_it in ruled.items()}

    def rephrase(self, prompt: str, missing: Sequence[str]) -> str:
        """Return the prompt reworded."""
        answer = self._ask(Rephrased, render("rephrase.j2", prompt=prompt, missing=list(missing)), "rephrasing")
        return self._rules.rephrase(prompt, missing) if answer is None else answer.prompt

    def brief(self, request: str, history: Sequence[PastImage]) -> Brief:
        """Return what the request means; ids that the history does not have are not heeded.

        Raises:
            UserError: as the rules do, where the model gives nothing usable.
        """
        if not history:
            return self._rules.brief(request, history)
        answer = self._ask(NextPicture, render("brief.j2", request=request, history=history), "brief")
        if answer is None:
            return self._rules.brief(request, history)
        base = answer.base if answer.base in {image.id for image in history} else None
        return Brief(answer.prompt.strip() or request, base, answer.keep_seed)

    def _ask(self, shape: type[Shape], text: str, purpose: str) -> Shape | None:
        try:
            return self._model.answer(shape, [HumanMessage(text)], purpose)
        except InvalidStructuredAnswer as error:
            current_meter().notes.append(f"{error}; the rules write")
            return None
