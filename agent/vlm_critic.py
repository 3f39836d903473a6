"""A vision-language model as the critic: typed questions about each image; where it gives no verdict, CLIP decides."""

from collections.abc import Callable, Sequence
from copy import copy
from typing import Any, Literal

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage
from PIL import Image

from imagerag.agent.judgement import Preference, Question, question_of, settled_shape
from imagerag.agent.protocols import Critic
from imagerag.chat_models.images import image_block, limit_of
from imagerag.chat_models.logprobs import probabilities_of_yes
from imagerag.chat_models.structured import InvalidStructuredAnswer, StructuredModel
from imagerag.chat_models.usage_meter import current_meter
from imagerag.credentials import without_credentials
from imagerag.prompts import render
from imagerag.records import ConceptScore, Verdict

CLIP_DECIDES = "; CLIP decides"
"""How a note on the meter ends where CLIP decided instead; the reason stands before it."""

PRESENT = 0.5
"""Probability from which on the answer to a question is yes."""


class VlmCritic:
    """Asks a vision-language model about each image: one typed question per concept of the prompt.

    Is it there? And where the prompt says so and it is: how many, in which colour, where, what is written? The
    questions are settled by a run's first verdict on a prompt, so that the scores of later images compare: the score is
    the mean probability of yes. A question that depends on something that is not there counts as answered with no
    (Cho et al. 2023, Davidsonian Scene Graph, arXiv 2310.18235). All of it is one call per image.

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

    @property
    def stand_in(self) -> Critic:
        """The critic that decides where the model does not."""
        return self._stand_in()

    def standing_in(self, fallback: Callable[[], Critic]) -> "VlmCritic":
        """Return this critic with another one that decides where the model does not; what is settled stays settled."""
        other = copy(self)
        other._stand_in = fallback
        return other

    def judge(self, images: Sequence[Image.Image], prompt: str) -> list[Verdict]:
        """Return one verdict per image, in order, by the model or, where it gives none, by the fallback critic."""
        return [self._verdict(image, prompt) for image in images]

    def look_for(self, image: Image.Image, concepts: Sequence[str]) -> list[ConceptScore]:
        """Return, per concept, whether that image shows it."""
        questions = tuple(Question(name) for name in dict.fromkeys(concepts))
        try:
            return self._ask(image, "", questions)[1]
        except InvalidStructuredAnswer as error:
            current_meter().notes.append(f"{error}{CLIP_DECIDES}")
            return self.stand_in.look_for(image, concepts)

    def better(self, first: Image.Image, second: Image.Image, prompt: str) -> int | None:
        """Return which of two images shows the prompt better, 0 or 1; ``None`` where the model has no firm opinion.

        It is asked in both orders, and only an answer that stays the same counts: models prefer an image for its place
        (Zheng et al. 2023, arXiv 2306.05685, section 3.3).
        """
        try:
            there = self._prefers(first, second, prompt)
            back = self._prefers(second, first, prompt)
        except InvalidStructuredAnswer as error:
            current_meter().notes.append(f"{error}; the earlier image stays the best")
            return None
        return there if there == 1 - back else None

    def _prefers(self, left: Image.Image, right: Image.Image, prompt: str) -> int:
        limit = limit_of(self._model.model, current_meter().image_size)
        content: list[str | dict[Any, Any]] = [
            {"type": "text", "text": render("better.j2", prompt=prompt)},
            image_block(left, limit),
            image_block(right, limit),
        ]
        answer = self._model.answer(Preference, [HumanMessage(content)], "comparison")
        return 0 if answer.better == "first" else 1

    def _verdict(self, image: Image.Image, prompt: str) -> Verdict:
        settled = current_meter().memory.questions_of(self._model)
        try:
            questions, scores, way = self._ask(image, prompt, settled.get(prompt, ()))
        except InvalidStructuredAnswer as error:
            current_meter().notes.append(f"{error}{CLIP_DECIDES}")
            return self.stand_in.judge([image], prompt)[0]
        settled[prompt] = questions
        missing = [score["concept"] for score in scores if not score["present"]]
        return {
            "satisfied": not missing,
            "score": round(sum(score["score"] for score in scores) / len(scores), 4),
            "concepts": scores,
            "missing": missing,
            "critic": self.name,
            "way": way,
        }

    def _ask(
        self, image: Image.Image, prompt: str, questions: tuple[Question, ...]
    ) -> tuple[tuple[Question, ...], list[ConceptScore], Literal["logprobs", "answers"]]:
        """Put the questions, or let the model find those that the prompt asks.

        Returns:
            the questions, their scores in order, and how the probabilities came about.
        """
        text = render("judge.j2", prompt=prompt, questions=questions)
        shown = image_block(image, limit_of(self._model.model, current_meter().image_size))
        message = HumanMessage([{"type": "text", "text": text}, shown])
        judgement, reply = self._model.answer_with_reply(settled_shape(questions), [message], "verdict")
        there, held = probabilities_of_yes(reply, "present"), probabilities_of_yes(reply, "holds")
        entries = judgement.concepts
        details = [detail for entry in entries for detail in entry.details]
        # Text around the JSON may have such fields, too; then it isn't known which token answers which question.
        there = there if there is not None and len(there) == len(entries) else None
        held = held if held is not None and len(held) == len(details) else None
        of_detail = iter(held if held is not None else [detail.probability for detail in details])
        scores: dict[tuple[str, str], ConceptScore] = {}
        for place, entry in enumerate(entries):
            likely = there[place] if there is not None else entry.probability
            name = entry.concept.strip()
            scores[name.lower(), ""] = _score(name, entry.kind, likely)
            for detail in entry.details:
                # An attribute is style: what is missing is no thing that could be looked up.
                told = detail.asked.strip()
                scores[name.lower(), told.lower()] = _score(told, "style", min(next(of_detail), likely))
        asked = questions or tuple(map(question_of, entries))
        ordered = []
        for question in asked:
            name = question.concept.strip().lower()
            ordered.append(scores[name, ""])
            for detail_asked in question.details:
                absent = _score(detail_asked, "style", 0.0)  # not answered, since the thing itself isn't there
                ordered.append(scores.get((name, detail_asked.strip().lower()), absent))
        by_tokens = there is not None and (held is not None or not details)
        return asked, ordered, "logprobs" if by_tokens else "answers"


def _score(concept: str, kind: str, probability: float) -> ConceptScore:
    present = probability >= PRESENT
    return {
        "concept": concept,
        "kind": "style" if kind == "style" else "content",
        "present": present,
        "score": round(probability, 4),
    }
