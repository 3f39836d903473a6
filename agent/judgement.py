"""The shape of a vision-language model's verdict: which concepts are there, and what else the prompt asks of them."""

from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, Field, model_validator

MAX_CONCEPTS = 12
"""Concepts of one verdict; a prompt rarely has more than six."""
MAX_DETAILS = 6
"""Further questions about one concept."""

DetailKind = Literal["count", "colour", "place", "text"]
"""How many? Which colour? Where, to what else? What is written?"""


class Question(NamedTuple):
    """One concept that is asked for, and what else is asked about it once it is there.

    Attributes:
        concept: its short name.
        details: statements about it that the prompt makes, such as "three owls".
    """

    concept: str
    details: tuple[str, ...] = ()


class Detail(BaseModel):
    """One more question about a concept that is there."""

    kind: Annotated[DetailKind, Field(description="count, colour, place or text")]
    asked: Annotated[str, Field(min_length=1, max_length=200, description="what the prompt says, as in: three owls")]
    seen: Annotated[str, Field(max_length=200, description="what the image shows instead or as well")] = ""
    holds: Annotated[bool, Field(description="the image shows it as asked for")]
    confidence: Annotated[float, Field(ge=0, le=1, description="how sure you are: 0 a guess, 1 certain")]

    @property
    def probability(self) -> float:
        """How likely it is that it holds, 0..1, by what the model says of itself."""
        return likelihood(self.holds, self.confidence)


class Seen(BaseModel):
    """One concept."""

    concept: Annotated[str, Field(min_length=1, max_length=200, description="short name")]
    kind: Annotated[Literal["content", "style"], Field(description="a thing, or the style of the whole")] = "content"
    present: Annotated[bool, Field(description="it is there, plainly")]
    confidence: Annotated[float, Field(ge=0, le=1, description="how sure you are: 0 a guess, 1 certain")]
    details: Annotated[
        list[Detail],
        Field(max_length=MAX_DETAILS, description="only if it is present: number, colour, place or text asked for"),
    ] = []

    @property
    def probability(self) -> float:
        """How likely it is that it is there, 0..1, by what the model says of itself."""
        return likelihood(self.present, self.confidence)

    @property
    def failing(self) -> str | None:
        """What of it is not as asked for; ``None`` where all is."""
        if not self.present:
            return self.concept
        return next((detail.asked for detail in self.details if not detail.holds), None)


class Judgement(BaseModel):
    """What an image shows of what was asked for."""

    concepts: Annotated[list[Seen], Field(min_length=1, max_length=MAX_CONCEPTS)]
    matches: Annotated[bool, Field(description="every concept is there, as asked for")]

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> "Judgement":
        names = [seen.concept.strip().lower() for seen in self.concepts]
        if len(set(names)) < len(names):
            raise ValueError("a concept is judged twice")
        failing = [told for seen in self.concepts if (told := seen.failing) is not None]
        if self.matches and failing:
            raise ValueError(f"it contradicts itself: it matches, and yet {failing[0]!r} is absent")
        if not self.matches and not failing:
            raise ValueError("it contradicts itself: every concept is present, and yet it does not match")
        return self


class Preference(BaseModel):
    """Which of two images shows more of what was asked for."""

    better: Annotated[Literal["first", "second"], Field(description="the image that shows the prompt better")]


def likelihood(yes: bool, confidence: float) -> float:
    """Return the probability of yes of somebody so sure of the answer: half of it for a guess."""
    return 0.5 + confidence / 2 if yes else 0.5 - confidence / 2


def question_of(seen: Seen) -> Question:
    """Return the question that a first verdict has settled."""
    return Question(seen.concept.strip(), tuple(detail.asked.strip() for detail in seen.details))


def settled_shape(questions: tuple[Question, ...]) -> type[Judgement]:
    """Return the judgement's shape, which, once the questions are settled, has to answer exactly those."""
    if not questions:
        return Judgement
    wanted = {question.concept.strip().lower(): question for question in questions}

    class Settled(Judgement):
        @model_validator(mode="after")
        def _names_them(self) -> "Settled":
            if {seen.concept.strip().lower() for seen in self.concepts} != set(wanted):
                names = ", ".join(repr(question.concept) for question in questions)
                raise ValueError(f"the concepts have to be exactly {names}")
            for seen in self.concepts:
                asked = {detail.lower(): detail for detail in wanted[seen.concept.strip().lower()].details}
                told = {detail.asked.strip().lower() for detail in seen.details}
                if seen.present and told != set(asked):
                    names = ", ".join(map(repr, asked.values())) or "none"
                    raise ValueError(f"the details of {seen.concept!r} have to be exactly: {names}")
            return self

    Settled.__name__, Settled.__doc__ = Judgement.__name__, Judgement.__doc__
    return Settled
