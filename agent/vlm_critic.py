"""A vision-language model as the critic: one structured verdict per image; where it fails, CLIP decides."""

from collections.abc import Callable, Sequence
from typing import Annotated, Literal

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage
from PIL import Image
from pydantic import BaseModel, Field, model_validator

from imagerag.agent.protocols import Critic
from imagerag.chat_models.images import image_block, limit_of
from imagerag.chat_models.structured import InvalidStructuredAnswer, StructuredModel
from imagerag.chat_models.usage_meter import current_meter
from imagerag.prompts import render
from imagerag.records import ConceptScore, Verdict

MAX_CONCEPTS = 12
"""Concepts of one verdict; a prompt rarely has more than six."""

CLIP_DECIDES = "; CLIP decides"
"""How a note on the meter ends where CLIP decided instead; the reason stands before it."""


class Seen(BaseModel):
    """One concept."""

    concept: Annotated[str, Field(min_length=1, max_length=200, description="short name")]
    kind: Annotated[Literal["content", "style"], Field(description="a thing, or the style of the whole")] = "content"
    present: Annotated[bool, Field(description="it is there, plainly and as asked for")]
    confidence: Annotated[float, Field(ge=0, le=1, description="how sure you are: 0 a guess, 1 certain")]


class Judgement(BaseModel):
    """What an image shows of what was asked for."""

    concepts: Annotated[list[Seen], Field(min_length=1, max_length=MAX_CONCEPTS)]
    matches: Annotated[bool, Field(description="every concept is there")]

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> "Judgement":
        names = [seen.concept.strip().lower() for seen in self.concepts]
        if len(set(names)) < len(names):
            raise ValueError("a concept is judged twice")
        absent = [seen.concept for seen in self.concepts if not seen.present]
        if self.matches and absent:
            raise ValueError(f"it contradicts itself: it matches, and yet {absent[0]!r} is absent")
        if not self.matches and not absent:
            raise ValueError("it contradicts itself: every concept is present, and yet it does not match")
        return self


class VlmCritic:
    """Asks a vision-language model about each image, concept by concept.

    The concepts of a prompt are settled by a run's first verdict on it, so that the scores of later images compare: the
    score is the mean probability that a concept is there.

    Args:
        name: the model's, as ``--critic`` takes it; part of every verdict.
        model: takes images.
        fallback: gives the critic that decides where the model does not; called when first needed.
    """

    def __init__(self, name: str, model: BaseChatModel, fallback: Callable[[], Critic]) -> None:
        self.name = name
        self._model = StructuredModel(model, "critic")
        self._stand_in = fallback

    @property
    def stand_in(self) -> Critic:
        """The critic that decides where the model does not."""
        return self._stand_in()

    def judge(self, images: Sequence[Image.Image], prompt: str) -> list[Verdict]:
        """Return one verdict per image, in order, by the model or, where it gives none, by the fallback critic."""
        return [self._verdict(image, prompt) for image in images]

    def look_for(self, image: Image.Image, concepts: Sequence[str]) -> list[ConceptScore]:
        """Return, per concept, whether that image shows it."""
        wanted = tuple(dict.fromkeys(concepts))
        try:
            return self._ask(image, "", wanted)
        except InvalidStructuredAnswer as error:
            current_meter().notes.append(f"{error}{CLIP_DECIDES}")
            return self.stand_in.look_for(image, concepts)

    def _verdict(self, image: Image.Image, prompt: str) -> Verdict:
        settled = current_meter().memory.concepts_of(self)
        try:
            concepts = self._ask(image, prompt, settled.get(prompt, ()))
        except InvalidStructuredAnswer as error:
            current_meter().notes.append(f"{error}{CLIP_DECIDES}")
            return self.stand_in.judge([image], prompt)[0]
        settled[prompt] = tuple(score["concept"] for score in concepts)
        missing = [score["concept"] for score in concepts if not score["present"]]
        return {
            "satisfied": not missing,
            "score": round(sum(score["score"] for score in concepts) / len(concepts), 4),
            "concepts": concepts,
            "missing": missing,
            "critic": self.name,
        }

    def _ask(self, image: Image.Image, prompt: str, concepts: tuple[str, ...]) -> list[ConceptScore]:
        text = render("judge.j2", prompt=prompt, concepts=list(concepts))
        shown = image_block(image, limit_of(self._model.model, current_meter().image_size))
        message = HumanMessage([{"type": "text", "text": text}, shown])
        judgement = self._model.answer(_shape(concepts), [message], "verdict")
        seen = {entry.concept.strip().lower(): entry for entry in judgement.concepts}
        ordered = [(name, seen[name.strip().lower()]) for name in concepts] or [
            (entry.concept.strip(), entry) for entry in judgement.concepts
        ]
        return [
            {
                "concept": name,
                "kind": entry.kind,
                "present": entry.present,
                "score": round(0.5 + entry.confidence / 2 if entry.present else 0.5 - entry.confidence / 2, 4),
            }
            for name, entry in ordered
        ]


def _shape(concepts: tuple[str, ...]) -> type[Judgement]:
    """Return the judgement's shape, which, once the concepts are settled, has to name exactly those."""
    if not concepts:
        return Judgement
    wanted = {name.strip().lower() for name in concepts}

    class Settled(Judgement):
        @model_validator(mode="after")
        def _names_them(self) -> "Settled":
            if {seen.concept.strip().lower() for seen in self.concepts} != wanted:
                raise ValueError(f"the concepts have to be exactly {', '.join(map(repr, concepts))}")
            return self

    Settled.__name__, Settled.__doc__ = Judgement.__name__, Judgement.__doc__
    return Settled
