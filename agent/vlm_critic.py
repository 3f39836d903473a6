"""A vision-language model as the critic: typed questions about each image; where it gives no verdict, CLIP decides."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Any, NamedTuple

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from PIL import Image

from imagerag.agent.judgement import (
    DETAIL_ASKS,
    DetailAnswers,
    DetailQuestion,
    Preference,
    Question,
    answers_shape,
    question_of,
    settled_shape,
)
from imagerag.agent.protocols import Critic
from imagerag.chat_models.client import ModelFailed, status_of
from imagerag.chat_models.images import image_block, limit_of
from imagerag.chat_models.logprobs import probabilities_of_yes
from imagerag.chat_models.structured import REFUSED, InvalidStructuredAnswer, StructuredModel
from imagerag.chat_models.usage_meter import current_meter
from imagerag.credentials import without_credentials
from imagerag.errors import NoStandIn, UserError
from imagerag.prompts import render
from imagerag.records import ConceptScore, Verdict

CLIP_DECIDES = "; CLIP decides"
"""How a note on the meter ends where CLIP decided instead; the reason stands before it."""

MOST_BESIDE = 4
"""Pictures of a person's own things that are shown with an image, one of each: each costs as much as the image."""

PRESENT = 0.5
"""Probability from which on the answer to a question is yes."""


class VlmCritic:
    """Asks a vision-language model about each image: one typed question per concept of the prompt.

    First, in one call, whether each is there. Then, in a second call, what else the prompt asks of those that are: how
    many, in which colour, where, what is written. Where nothing depends on what is there, the first call is the only
    one. The questions are settled by a run's first verdict on a prompt, so that the scores of later images compare: the
    score is the mean probability of yes. A question that depends on something that is not there is not asked and counts
    as answered with no (Cho et al. 2023, Davidsonian Scene Graph, arXiv 2310.18235).

    The probability is that of the answer's own token where the model tells log-probabilities, and else follows from how
    sure it says that it is.

    Args:
        name: the model's, as ``--critic`` takes it; part of every verdict.
        model: takes images.
        fallback: gives the critic that decides where the model does not; called when first needed.
    """

    def __init__(self, name: str, model: BaseChatModel, fallback: Callable[[], Critic]) -> None:
        self.name = without_credentials(name)
        self._model = StructuredModel(model, "critic", logprobs=True)
        self._stand_in = fallback
        self._beside: dict[str, Image.Image] = {}

    @property
    def stand_in(self) -> Critic:
        """The critic that decides where the model does not.

        Raises:
            NoStandIn: it can't be loaded.
        """
        try:
            return self._stand_in()
        except UserError as error:
            raise NoStandIn(getattr(error, "public", str(error))) from error  # clients of servers are told it

    def standing_in(self, fallback: Callable[[], Critic]) -> "VlmCritic":
        """Return this critic with another one that decides where the model does not; what is settled stays settled."""
        other = copy(self)
        other._stand_in = fallback
        return other

    def beside(self, pictures: Mapping[str, Sequence[Image.Image]]) -> "VlmCritic":
        """Return this critic with pictures of things shown with each image; see ``own_things.SeesBeside``."""
        other = copy(self)
        other._beside = {name: of_it[0] for name, of_it in list(pictures.items())[:MOST_BESIDE] if of_it}
        return other

    def judge(self, images: Sequence[Image.Image], prompt: str) -> list[Verdict]:
        """Return one verdict per image, in order, by the model or, where it gives none, by the fallback critic."""
        looks = self._look(images, prompt)
        answers = self._with_details(images, looks)
        verdicts: list[Verdict] = []
        for image, look, told in zip(images, looks, answers, strict=True):
            if look is None or told is None:
                verdicts += self.stand_in.judge([image], prompt)
            else:
                verdicts.append(self._verdict(look, told))
        return verdicts

    def look_for(self, image: Image.Image, concepts: Sequence[str]) -> list[ConceptScore]:
        """Return, per concept, whether that image shows it."""
        questions = tuple(Question(name) for name in {name.strip().lower(): name for name in concepts}.values())
        try:
            look = self._presence(self._about_presence(image, "", questions), questions)
        except InvalidStructuredAnswer as error:
            current_meter().notes.append(f"{error}{CLIP_DECIDES}")
            return self.stand_in.look_for(image, concepts)
        return [look.scores[name.strip().lower()] for name in dict.fromkeys(concepts)]

    def better(self, first: Image.Image, second: Image.Image, prompt: str) -> int | None:
        """Return which of two images shows the prompt better, 0 or 1; ``None`` where the model has no firm opinion.

        It is asked in both orders, and only an answer that stays the same counts: models prefer an image for its place
        (Zheng et al. 2023, arXiv 2306.05685, section 3.3).
        """
        orders = [self._about_both(first, second, prompt), self._about_both(second, first, prompt)]
        given = self._model.answer_together(Preference, orders, "comparison")
        try:
            there, back = (
                self._model.answer_with_reply(Preference, asked, "comparison", answer)[0].better
                for asked, answer in zip(orders, given, strict=True)
            )
        except InvalidStructuredAnswer as error:
            current_meter().notes.append(f"{error}; the earlier image stays the best")
            return None
        if there == back:
            return None
        return 0 if there == "first" else 1

    def _about_both(self, left: Image.Image, right: Image.Image, prompt: str) -> list[BaseMessage]:
        limit = limit_of(self._model.model, current_meter().image_size)
        content: list[str | dict[Any, Any]] = [
            {"type": "text", "text": render("better.j2", prompt=prompt)},
            image_block(left, limit),
            image_block(right, limit),
        ]
        return [HumanMessage(content)]

    def _look(self, images: Sequence[Image.Image], prompt: str) -> list["_Look | None"]:
        """Return for each image what is there; ``None`` where the model does not tell."""
        settled = current_meter().memory.questions_of(self._model)
        looks: list[_Look | None] = []
        asked: list[list[BaseMessage]] = []
        given: list[AIMessage | None] = []
        for place in range(len(images)):
            questions = settled.get(prompt, ())
            if place == len(asked):  # once they are settled, the same is asked of all the others
                others = images[place:] if questions else images[place : place + 1]
                asked += [self._about_presence(image, prompt, questions) for image in others]
                given += self._model.answer_together(settled_shape(questions), asked[place:], "verdict")
            try:
                look = self._presence(asked[place], questions, given[place])
            except InvalidStructuredAnswer as error:
                if (alone := self._alone()) is not self and _is_refused(error):
                    # Some servers take one image in a question, and refuse more.
                    current_meter().notes.append(f"{error}; asked again without the person's own pictures")
                    current_meter().memory.one_image.add(self._model)
                    return [*looks, *alone._look(images[place:], prompt)]
                current_meter().notes.append(f"{error}{CLIP_DECIDES}")
                looks.append(None)
            else:
                settled[prompt] = look.questions
                looks.append(look)
        return looks

    def _presence(
        self, asked: list[BaseMessage], questions: tuple[Question, ...], given: AIMessage | None = None
    ) -> "_Look":
        """Ask which concepts are there, or let the model find those that the prompt asks for."""
        judgement, reply = self._model.answer_with_reply(settled_shape(questions), asked, "verdict", given)
        likely, by_tokens = _probabilities(reply, "present", [entry.probability for entry in judgement.concepts])
        scores = {
            entry.concept.strip().lower(): _score(entry.concept.strip(), entry.kind, probability)
            for entry, probability in zip(judgement.concepts, likely, strict=True)
        }
        return _Look(questions or tuple(map(question_of, judgement.concepts)), scores, by_tokens)

    def _alone(self) -> "VlmCritic":
        """Return this critic with nothing shown beside the image; itself where nothing is."""
        return self.beside({}) if self._beside_shown else self

    @property
    def _beside_shown(self) -> Mapping[str, Image.Image]:
        """What is shown beside the image, unless this run's server has shown to take one image alone."""
        return {} if self._model in current_meter().memory.one_image else self._beside

    def _about_presence(self, image: Image.Image, prompt: str, questions: tuple[Question, ...]) -> list[BaseMessage]:
        beside = self._beside_shown if prompt else {}
        text = render("judge.j2", prompt=prompt, questions=questions, shown=list(beside))
        return [self._shown(text, image, *beside.values())]

    def _with_details(self, images: Sequence[Image.Image], looks: Sequence["_Look | None"]) -> list["_Answers | None"]:
        """Ask for each image what depends on what is there; ``None`` where the model does not tell."""
        dependent = [[] if look is None else look.dependent for look in looks]
        asked = {at: self._about_details(images[at], questions) for at, questions in enumerate(dependent) if questions}
        together = self._model.answer_together(DetailAnswers, list(asked.values()), "details")
        given = dict(zip(asked, together, strict=True))
        answers: list[_Answers | None] = []
        for at, look in enumerate(looks):
            if look is None or at not in asked:
                answers.append(None if look is None else _Answers({}, True))
                continue
            try:
                answers.append(self._details(asked[at], dependent[at], given[at]))
            except InvalidStructuredAnswer as error:
                current_meter().notes.append(f"{error}{CLIP_DECIDES}")
                answers.append(None)
        return answers

    def _details(
        self, asked: list[BaseMessage], questions: Sequence[tuple[str, DetailQuestion]], given: AIMessage | None
    ) -> "_Answers":
        told, reply = self._model.answer_with_reply(answers_shape(len(questions)), asked, "details", given)
        likely, by_tokens = _probabilities(reply, "holds", [answer.probability for answer in told.answers])
        by_number = {answer.number: probability for answer, probability in zip(told.answers, likely, strict=True)}
        return _Answers({question: by_number[at] for at, question in enumerate(questions, 1)}, by_tokens)

    def _about_details(self, image: Image.Image, questions: Sequence[tuple[str, DetailQuestion]]) -> list[BaseMessage]:
        return [self._shown(render("details.j2", questions=questions, asks=DETAIL_ASKS), image)]

    def _shown(self, text: str, *images: Image.Image) -> HumanMessage:
        limit = limit_of(self._model.model, current_meter().image_size)
        return HumanMessage([{"type": "text", "text": text}, *(image_block(image, limit) for image in images)])

    def _verdict(self, look: "_Look", answers: "_Answers") -> Verdict:
        scores: list[ConceptScore] = []
        for question in look.questions:
            concept = look.scores[question.concept.lower()]
            scores.append(concept)
            for detail in question.details:
                likely = answers.probabilities.get((question.concept, detail), 0.0)  # not asked of what isn't there
                # An attribute is style: what is missing is no thing that could be looked up.
                scores.append(_score(detail.asked, "style", min(likely, concept["score"])))
        missing = [score["concept"] for score in scores if not score["present"]]
        return {
            "satisfied": not missing,
            "score": round(sum(score["score"] for score in scores) / len(scores), 4),
            "concepts": scores,
            "missing": missing,
            "critic": self.name,
            "way": "logprobs" if look.by_tokens and answers.by_tokens else "answers",
        }


class _Look(NamedTuple):
    """What is there: the questions that a prompt asks, how likely each concept is, and whether by tokens."""

    questions: tuple[Question, ...]
    scores: dict[str, ConceptScore]
    by_tokens: bool

    @property
    def dependent(self) -> list[tuple[str, DetailQuestion]]:
        """The questions about what is there."""
        present = [question for question in self.questions if self.scores[question.concept.lower()]["present"]]
        return [(question.concept, detail) for question in present for detail in question.details]


class _Answers(NamedTuple):
    """How likely it is that each detail that was asked for holds, and whether by tokens."""

    probabilities: dict[tuple[str, DetailQuestion], float]
    by_tokens: bool


def _is_refused(error: InvalidStructuredAnswer) -> bool:
    """Tell whether the server refused the question, rather than that the model answered it in another shape."""
    failed = error.__cause__
    return isinstance(failed, ModelFailed) and status_of(failed.__cause__ or failed) in REFUSED


def _probabilities(reply: AIMessage, field: str, told: Sequence[float]) -> tuple[list[float], bool]:
    """Return how likely yes is, and whether that was read off the tokens: else as sure as the model says it is."""
    by_tokens = probabilities_of_yes(reply, field)
    # Text around the JSON may have such fields, too; then it isn't known which token answers which question.
    if by_tokens is None or len(by_tokens) != len(told):
        return list(told), False
    return by_tokens, True


def _score(concept: str, kind: str, probability: float) -> ConceptScore:
    present = probability >= PRESENT
    return {
        "concept": concept,
        "kind": "style" if kind == "style" else "content",
        "present": present,
        "score": round(probability, 4),
    }
