"""The shapes of a vision-language model's verdict: what is there; then what else the prompt asks of that."""

from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, Field, model_validator

MAX_CONCEPTS = 12
"""Concepts of one verdict; a picture of the embedded generator has nine at most."""
MAX_DETAILS = 6
"""Further questions about one concept."""

DetailKind = Literal["count", "colour", "place", "text"]
DETAIL_ASKS: dict[DetailKind, str] = {
    "count": "How many?",
    "colour": "Which colour?",
    "place": "Where is it?",
    "text": "What is written?",
}


class DetailQuestion(NamedTuple):
    """What else is asked about a concept once it is there.

    Attributes:
        kind: what it asks for.
        asked: the statement that the prompt makes, such as "three owls".
    """

    kind: DetailKind
    asked: str


class Question(NamedTuple):
    """One concept that is asked for, and what else is asked about it once it is there.

    Attributes:
        concept: its short name.
        details: the questions that depend on it.
    """

    concept: str
    details: tuple[DetailQuestion, ...] = ()


class Detail(BaseModel):
    """One more thing that the prompt says of a concept; not answered yet."""

    kind: Annotated[DetailKind, Field(description="count, colour, place or text")]
    asked: Annotated[str, Field(min_length=1, max_length=200, description="what the prompt says, as in: three owls")]


class Seen(BaseModel):
    """One concept."""

    concept: Annotated[str, Field(min_length=1, max_length=200, description="short name")]
    kind: Annotated[Literal["content", "style"], Field(description="a thing, or the style of the whole")] = "content"
    present: Annotated[bool, Field(description="it is there, plainly")]
    confidence: Annotated[float, Field(ge=0, le=1, description="how sure you are: 0 a guess, 1 certain")]

    @property
    def probability(self) -> float:
        """How likely it is that it is there, 0..1, by what the model says of itself."""
        return likelihood(self.present, self.confidence)


class SeenFirst(Seen):
    """One concept, and what else the prompt says of it."""

    details: Annotated[
        list[Detail],
        Field(max_length=MAX_DETAILS, description="number, colour, place or text that the prompt asks of it"),
    ] = []


class Presence(BaseModel):
    """Which of the concepts that were asked for an image shows."""

    concepts: Annotated[Sequence[Seen], Field(min_length=1, max_length=MAX_CONCEPTS)]
    matches: Annotated[bool, Field(description="every concept is there")]

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> "Presence":
        names = [seen.concept.strip().lower() for seen in self.concepts]
        if len(set(names)) < len(names):
            raise ValueError("a concept is judged twice")
        absent = next((seen.concept for seen in self.concepts if not seen.present), None)
        if self.matches and absent is not None:
            raise ValueError(f"it contradicts itself: it matches, and yet {absent!r} is absent")
        if not self.matches and absent is None and not self._has_details():
            raise ValueError("it contradicts itself: every concept is present, and yet it does not match")
        return self

    def _has_details(self) -> bool:
        """Whether more is asked than what is there, so that all may be there in another number or colour."""
        return any(seen.details for seen in self.concepts if isinstance(seen, SeenFirst))


class Judgement(Presence):
    """What of that which a prompt asks for an image shows, and what else the prompt asks of it."""

    concepts: Annotated[Sequence[SeenFirst], Field(min_length=1, max_length=MAX_CONCEPTS)]


class DetailAnswer(BaseModel):
    """The answer to one of the numbered questions."""

    number: Annotated[int, Field(ge=1, description="of the question")]
    seen: Annotated[str, Field(max_length=200, description="what the image shows, in a few words")] = ""
    holds: Annotated[bool, Field(description="the image shows it as asked for")]
    confidence: Annotated[float, Field(ge=0, le=1, description="how sure you are: 0 a guess, 1 certain")]

    @property
    def probability(self) -> float:
        """How likely it is that it holds, 0..1, by what the model says of itself."""
        return likelihood(self.holds, self.confidence)


class DetailAnswers(BaseModel):
    """One answer to each of the numbered questions."""

    answers: list[DetailAnswer]


class Preference(BaseModel):
    """Which of two images shows more of what was asked for."""

    better: Annotated[Literal["first", "second"], Field(description="the image that shows the prompt better")]


def likelihood(yes: bool, confidence: float) -> float:
    """Return the probability of yes of somebody so sure of the answer: half of it for a guess."""
    return 0.5 + confidence / 2 if yes else 0.5 - confidence / 2


def question_of(seen: Seen) -> Question:
    """Return the question that a first verdict has settled."""
    details = seen.details if isinstance(seen, SeenFirst) else []
    unlike = {detail.asked.strip().lower(): detail for detail in reversed(details)}
    kept = [detail for detail in details if unlike[detail.asked.strip().lower()] is detail]
    return Question(seen.concept.strip(), tuple(DetailQuestion(detail.kind, detail.asked.strip()) for detail in kept))


def settled_shape(questions: Sequence[Question]) -> type[Presence]:
    """Return the shape in which presence is told; once the questions are settled, it has to answer exactly those."""
    if not questions:
        return Judgement
    wanted = {question.concept.strip().lower() for question in questions}
    dependent = any(question.details for question in questions)

    class Settled(Presence):
        @model_validator(mode="after")
        def _names_them(self) -> "Settled":
            if {seen.concept.strip().lower() for seen in self.concepts} != wanted:
                names = ", ".join(repr(question.concept) for question in questions)
                raise ValueError(f"the concepts have to be exactly {names}")
            return self

        def _has_details(self) -> bool:
            return dependent

    Settled.__name__, Settled.__doc__ = Presence.__name__, Presence.__doc__
    return Settled


def answers_shape(count: int) -> type[DetailAnswers]:
    """Return the shape of the answers to that many numbered questions, each of which has to be answered once."""

    class Settled(DetailAnswers):
        @model_validator(mode="after")
        def _answers_them(self) -> "Settled":
            if sorted(answer.number for answer in self.answers) != list(range(1, count + 1)):
                told = "question 1" if count == 1 else f"questions 1 to {count}, each once"
                raise ValueError(f"the answers have to be exactly those to {told}")
            return self

    Settled.__name__, Settled.__doc__ = DetailAnswers.__name__, DetailAnswers.__doc__
    return Settled
