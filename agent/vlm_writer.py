"""A chat model as the writer of captions, rephrased prompts and follow-ups; where it fails, the rules write."""

from collections.abc import Sequence
from typing import Annotated, Literal

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage
from pydantic import BaseModel, Field, model_validator

from imagerag.agent.follow_up.pictures import MOST_CANDIDATES
from imagerag.agent.follow_up.reading import standing_of
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

    kind: Annotated[
        Literal["change", "new", "talk"] | None,
        Field(description="change of an image, a new picture, or talk, which draws nothing"),
    ] = None
    prompt: Annotated[str, Field(max_length=4000, description="the whole picture, on its own")] = ""
    base: Annotated[
        str | None, Field(description="id of the image that it changes, varies or goes back to, if any")
    ] = None
    keep_seed: Annotated[bool, Field(description="false where another variant is wanted")] = True
    candidates: Annotated[
        int | None, Field(ge=1, le=MOST_CANDIDATES, description="variants, if several are wanted")
    ] = None
    answer: Annotated[str, Field(max_length=2000, description="of talk: what is said to the person")] = ""

    @model_validator(mode="after")
    def _says_what_it_needs(self) -> "NextPicture":
        if self.kind == "talk" and not self.answer.strip():
            raise ValueError("it is talk without an answer")
        if self.kind != "talk" and not self.prompt.strip():
            raise ValueError("the prompt is empty")
        return self


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
        """Return what the request means; an id that the history does not have is not heeded.

        Raises:
            UserError: as the rules do, where the model gives nothing usable.
        """
        if not history:
            return self._rules.brief(request, history)
        answer = self._ask(NextPicture, render("brief.j2", request=request, history=history), "brief")
        if answer is None:
            return self._rules.brief(request, history)
        images = {image.id: image for image in history}
        base = answer.base if answer.base in images else None
        standing = standing_of(history)
        if answer.kind == "talk":
            shown = images[base] if base else standing
            step = _step(shown, standing)
            if shown is None:
                return Brief("", answer=answer.answer.strip())
            return Brief(shown.prompt, shown.id, answer=answer.answer.strip(), step=step)
        if answer.kind == "change" and base is None and standing is not None:
            base = standing.id  # a change of nothing that there is changes what the person sees
        if answer.kind == "new":
            base = None
        return Brief(answer.prompt.strip(), base, answer.keep_seed, candidates=answer.candidates if base else None)

    def _ask(self, shape: type[Shape], text: str, purpose: str) -> Shape | None:
        try:
            return self._model.answer(shape, [HumanMessage(text)], purpose)
        except InvalidStructuredAnswer as error:
            current_meter().notes.append(f"{error}; the rules write")
            return None


def _step(shown: PastImage | None, standing: PastImage | None) -> int:
    """Return which way the thread's own history goes to an image: -1 where it is what "undo" leads to, 1 for "redo"."""
    if shown is None or standing is None or shown.id == standing.id:
        return 0
    return -1 if shown.id == standing.before else 1 if shown.id == standing.after else 0
