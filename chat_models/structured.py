"""Answers of a given shape from any chat model: its native schema mode, else a tool call, else JSON in words.

Those words are held to JSON where the server can do that, and are free only where it can't. An answer that does not fit
is sent back once with the reason; after that the caller goes on without the model.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.runnables import Runnable, RunnableParallel, RunnableSequence
from langchain_core.utils.json_schema import dereference_refs
from pydantic import BaseModel, ValidationError

from imagerag.chat_models.answer_cleaning import tidy
from imagerag.chat_models.client import ModelFailed, Reading, ask, status_of
from imagerag.chat_models.endings import unsound_ending, was_cut_off
from imagerag.chat_models.lenient_json import Uncertain, objects_in, unpacked
from imagerag.chat_models.logprobs import asking_for_logprobs
from imagerag.chat_models.reasoning import without_reasoning
from imagerag.chat_models.recording import Role
from imagerag.chat_models.usage_meter import current_meter
from imagerag.credentials import without_credentials
from imagerag.errors import BudgetExceeded, Cancelled
from imagerag.prompts import render

Way = Literal["json_schema", "function_calling", "json_mode", "text"]
WAYS: tuple[Way, ...] = ("json_schema", "function_calling", "json_mode", "text")
"""As LangChain names them, best first; ``text`` is none of its."""

IN_WORDS = frozenset[Way]({"json_mode", "text"})
"""Ways in which the shape has to be told in words."""


LONGEST = 100_000
"""Characters of an answer that are searched for the object."""

REFUSED = frozenset({400, 404, 415, 422, 501})
"""HTTP statuses with which servers refuse a way; a wrong key or a dead server says nothing about it."""

Shape = TypeVar("Shape", bound=BaseModel)


class InvalidStructuredAnswer(Exception):
    """The model gave no answer of that shape, not even when told what was wrong."""


@runtime_checkable
class AnswersTogether(Protocol):
    """A chat model that answers several conversations in one pass."""

    def answer_together(self, conversations: Sequence[Sequence[BaseMessage]], **settings: Any) -> list[AIMessage]:
        """Return one answer to each, in order; ``settings`` as for ``invoke``."""


class StructuredModel:
    """A chat model that answers in shapes.

    Args:
        model: any chat model; which of the ways it takes is found out once a run: a replayed run begins anew, too.
        role: in which it is asked, for recordings.
        logprobs: ask for log-probabilities with the answer, where the model's protocol has them.
    """

    def __init__(self, model: BaseChatModel, role: Role, logprobs: bool = False) -> None:
        self.model = model
        self.role = role
        self._logprobs = asking_for_logprobs(model) if logprobs else {}

    def answer(self, shape: type[Shape], messages: Sequence[BaseMessage], purpose: str) -> Shape:
        """Return what ``answer_with_reply`` returns first."""
        return self.answer_with_reply(shape, messages, purpose)[0]

    def answer_together(
        self, shape: type[BaseModel], conversations: Sequence[Sequence[BaseMessage]], purpose: str
    ) -> list[AIMessage | None]:
        """Have a model that takes several conversations in one pass answer them, each as yet unread.

        They are read, and counted, by ``answer_with_reply``.

        Returns:
            ``None`` for each where the model takes one at a time.

        Raises:
            Cancelled: the caller asked the run to stop.
        """
        none: list[AIMessage | None] = [None] * len(conversations)
        meter = current_meter()
        if len(conversations) < 2 or not isinstance(self.model, AnswersTogether):
            return none
        asking, told, more, _ = self._asking(shape, meter.memory.structured.get(self, 0))
        settings = {**getattr(asking, "kwargs", {}), **more}
        try:
            return list(self.model.answer_together([[*one, *told] for one in conversations], **settings))
        except Cancelled:
            raise
        except BudgetExceeded:
            return none  # each of them is told
        except Exception as error:  # such as too little memory for all: by itself each may do
            reason = " ".join(without_credentials(str(error)).split())[:200]
            meter.notes.append(f"{purpose}: asked one after another: {type(error).__name__}: {reason}")
            return none

    def answer_with_reply(
        self,
        shape: type[Shape],
        messages: Sequence[BaseMessage],
        purpose: str,
        given: AIMessage | None = None,
    ) -> tuple[Shape, AIMessage]:
        """Return the model's answer as an instance of ``shape``, and the message in which it came.

        ``given`` is the answer if ``answer_together`` has it.

        Where it does not fit, one call more asks for a repair.

        What happened is noted on the current meter, for the trace. A way that the provider refuses outright is not
        tried again in that run once another has worked; such a refusal gives no answer and is not billed.

        Raises:
            Unusable: no answer of that shape, no answer at all, or no budget left for one.
            Cancelled: the caller asked the run to stop.
        """
        meter = current_meter()
        asked = list(messages)
        for attempt in (1, 2):
            reply = self._reply(shape, asked, purpose, repair=attempt == 2, given=given if attempt == 1 else None)
            try:
                return _fitting(shape, reply), reply
            except ValueError as error:
                why = unsound_ending(reply) or _in_words(error)
                meter.notes.append(f"{purpose}: answer {attempt} does not fit: {why}")
                # Some servers take a schema and heed it not, so that the model has never seen it.
                repair = render("repair.j2", why=why, schema=json.dumps(_schema(shape)))
                asked += [AIMessage(_shown(reply)), HumanMessage(repair)]
        raise InvalidStructuredAnswer(f"{purpose}: no usable answer, also after one repair")

    def _reply(
        self,
        shape: type[BaseModel],
        messages: list[BaseMessage],
        purpose: str,
        *,
        repair: bool,
        given: AIMessage | None = None,
    ) -> AIMessage:
        """Return the raw answer, going on to the next way where the provider refuses one; a repair is one call."""
        meter = current_meter()
        way = meter.memory.structured.get(self, 0)
        retries = 0 if repair else None
        shapes = json.dumps(_schema(shape))
        guessed = False
        while True:
            try:
                call, way = self._call(shape, way)
                if given is not None:
                    call = partial(_as_given, given)
                asked = ask(
                    call, messages, model=self.model, shapes=shapes, role=self.role, retries=retries, read=_whole
                )
            except ModelFailed as failed:
                if self._logprobs and self not in meter.memory.no_logprobs and "logprob" in str(failed).lower():
                    meter.memory.no_logprobs.add(self)  # models that think tell none; asked once more without
                    continue
                status = status_of(failed.__cause__ or failed)
                refused, failing = status in REFUSED, status == 500
                meter.notes.append(f"{purpose}: {failed}")
                if not repair and way + 1 < len(WAYS) and refused:
                    way += 1
                    continue
                if not repair and self._logprobs and self not in meter.memory.no_logprobs and (refused or failing):
                    meter.memory.no_logprobs.add(self)  # some servers refuse what they don't know without naming it
                    way, guessed = 0, True
                    continue
                if guessed:  # not that, then
                    meter.memory.no_logprobs.discard(self)
                raise InvalidStructuredAnswer(f"{purpose}: {failed}") from failed
            except BudgetExceeded as stop:
                meter.notes.append(f"{purpose}: not asked: {stop}")
                raise InvalidStructuredAnswer(str(stop)) from stop
            meter.notes += [f"{purpose}: {failure}" for failure in asked.failures]
            # only now: where none works, as for a picture that is refused, none is to blame
            meter.memory.structured[self] = way
            return asked.message

    def _call(self, shape: type[BaseModel], way: int) -> tuple[Callable[..., AIMessage], int]:
        """Return how to ask in that way, or in the next one that the integration knows, and which it is."""
        asking, told, more, way = self._asking(shape, way)
        return lambda messages, **settings: asking.invoke([*messages, *told], **more, **settings), way

    def _asking(
        self, shape: type[BaseModel], way: int
    ) -> tuple[Runnable[Any, AIMessage], list[HumanMessage], dict[str, Any], int]:
        """Return what is asked in that way or the next one known, what it is told besides, its settings, and which."""
        schema, name = _schema(shape), WAYS[way]
        told = [HumanMessage(render("shape.j2", schema=json.dumps(schema)))] if name in IN_WORDS else []
        asking: Runnable[Any, AIMessage] = self.model
        if name != "text":
            try:
                asking = _unparsed(self.model.with_structured_output(schema, method=name, include_raw=True))
            except (NotImplementedError, ValueError, TypeError):  # the integration does not know that way
                return self._asking(shape, way + 1)
        more = {} if self in current_meter().memory.no_logprobs else self._logprobs
        return asking, told, more, way


def _as_given(answer: AIMessage, messages: Sequence[BaseMessage], **settings: Any) -> AIMessage:
    return answer


def _whole(answer: AIMessage) -> Reading:
    """Return the answer tidied, with all its words: the object may stand behind long thoughts."""
    return Reading(tidy(answer, LONGEST))


def _unparsed(chain: Runnable[Any, Any]) -> Runnable[Any, AIMessage]:
    """Return the model with its schema bound, without LangChain's parser behind it.

    That parser mends broken JSON a character at a time, which takes minutes for a model that repeats itself.
    """
    if isinstance(chain, RunnableSequence) and isinstance(chain.first, RunnableParallel):
        return chain.first.steps__["raw"]
    return chain | (lambda result: result["raw"])


def _schema(shape: type[BaseModel]) -> dict[str, Any]:
    schema = dereference_refs(shape.model_json_schema())  # Gemini's tools ignore definitions, and what refers to them
    schema.pop("$defs", None)
    return {"title": shape.__name__, "description": (shape.__doc__ or "").strip(), **schema}


def _fitting(shape: type[Shape], reply: AIMessage) -> Shape:
    """Return the last object in the answer that fits: what stands before it were drafts, or examples.

    Calls count before text, in which a model talks about them. What the model thought does not count at all.

    Raises:
        ValueError: none fits; of several reasons, that of the last object.
    """
    problem: ValueError | None = None
    for objects in _objects(reply):
        for found in reversed([each for whole in objects for each in (*_arguments(whole), whole)]):
            try:
                return shape.model_validate(found)
            except ValidationError as error:
                problem = problem or error
    raise problem or ValueError("there is no JSON object in the answer")


def _objects(reply: AIMessage) -> Iterator[list[Any]]:
    """Yield what may be the answer, place by place, each in the order in which it was written."""
    yield [call["args"] for call in reply.tool_calls]
    yield objects_in(without_reasoning(str(reply.text)), cut_off=was_cut_off(reply))


def _arguments(found: Any) -> list[Any]:
    """Return the arguments of a call that the server has left in the text."""
    if not isinstance(found, dict) or "name" not in found:
        return []
    given = [found[key] for key in ("arguments", "parameters") if key in found]
    with suppress(Uncertain):
        return [unpacked(value) for value in given]
    return []


def _in_words(error: ValueError) -> str:
    if isinstance(error, ValidationError):
        problems = [f"{'.'.join(map(str, e['loc'])) or 'the object'}: {e['msg']}" for e in error.errors()[:5]]
        return "; ".join(problems)[:600]
    return str(error)[:600]


def _shown(reply: AIMessage) -> str:
    """Return the answer as plain text, since a tool call without its result may not be sent back."""
    calls = [json.dumps(call["args"], default=str) for call in reply.tool_calls]
    return (without_reasoning(str(reply.text)).strip() or "; ".join(calls) or "(nothing)")[:2000]
