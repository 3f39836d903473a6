"""Asking the model that decides in a form that its server takes: with images or without, tools or plain turns."""

import json
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from cachetools import LRUCache, cached
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from imagerag.chat_models.answer_reading import AnswerReader
from imagerag.chat_models.capabilities import has_images, in_words
from imagerag.chat_models.client import Answer, ModelFailed, ask, status_of
from imagerag.chat_models.plain_text import as_plain_turns
from imagerag.chat_models.reasoning import without_reasoning
from imagerag.chat_models.run_memory import OFFERINGS, Offering, RunMemory
from imagerag.chat_models.usage_meter import current_meter
from imagerag.prompts import render

REFUSED = frozenset({400, 404, 415, 422, 500, 501})
"""HTTP statuses with which servers refuse what their model can't take."""

OFFERS_KEPT = 8

REPAIRS = 2
"""How often an answer that can't be used is given back."""

MOST_GIVEN_BACK = 2000
"""Characters of such an answer that the model is shown again."""

DECISION_WORDS = 4096
"""Tokens of one decision at most: a call has a few hundred, and the rest is room for thoughts."""

ABOUT_TOOLS = re.compile(r"tool|function|jinja|template|\brole", re.IGNORECASE)
"""What a refusal of tools, or of turns in which calls and results stand, says of itself: Ollama's "does not support
tools", llama.cpp's "tools param requires --jinja", vLLM's "tool choice requires" and "roles must alternate", Groq's
"tool_use_failed", Mistral's "unexpected role 'user' after role 'tool'"."""


@dataclass(frozen=True)
class QuestionForm:
    """How the question is put: with images or in words, with tools or with everything said in plain turns."""

    images: bool
    tools: bool


def ask_with_fallback(
    model: BaseChatModel,
    messages: Sequence[BaseMessage],
    tools: Sequence[BaseTool],
    *,
    memory: RunMemory,
    before: Callable[[], None],
    counted: bool = True,
) -> Answer:
    """Ask the model for its next tool calls; where its server refuses images or tools, again without, and from then on.

    Calls that a model or its server has left in the text are taken out of it. An answer that is neither a call nor a
    sound end is given back with the reason, ``REPAIRS`` times; one that remains so tells why.

    Args:
        model: takes tools, or anything at all in plain turns.
        messages: the conversation.
        tools: those on offer.
        memory: of the run; what is refused is remembered there.
        before: called before each attempt; raises where no other one is allowed.
        counted: whether the size of the tools' schemas is of interest, to a budget or a recording.

    Raises:
        ModelFailed, BudgetExceeded, Cancelled, UserError: as ``ask`` does.
    """
    offer = _offer(model, tools)

    def put(form: QuestionForm, messages: Sequence[BaseMessage]) -> Answer:
        call = offer.bound.invoke if form.tools else model.invoke
        shapes = offer.shapes if form.tools and counted else ""
        shown = messages if form.images else in_words(messages)
        if not form.tools:
            shown = as_plain_turns(shown, offer.schemas)
        return ask(
            call, shown, model=model, shapes=shapes, before=before, read=offer.reader.read, most_words=DECISION_WORDS
        )

    first = QuestionForm(images=True, tools="tools" not in memory.refused)
    asked, form = _in_a_form_it_takes(put, first, messages, memory)
    given_back = list(messages)
    for _ in range(REPAIRS):
        if asked.unsound is None:
            break
        current_meter().notes.append(f"the answer can't be used: {asked.unsound}; asked again")
        said = without_reasoning(str(asked.message.text)).strip()[:MOST_GIVEN_BACK] or "(nothing)"
        given_back += [AIMessage(said), HumanMessage(render("unsound.j2", why=asked.unsound))]
        again = put(form, given_back)
        asked = replace(again, failures=(*asked.failures, *again.failures))
    return asked


def _in_a_form_it_takes(
    put: Callable[[QuestionForm, Sequence[BaseMessage]], Answer],
    first: QuestionForm,
    messages: Sequence[BaseMessage],
    memory: RunMemory,
) -> tuple[Answer, QuestionForm]:
    """Return the answer, and the form of the question to which it was given."""
    try:
        return put(first, messages), first
    except ModelFailed as failed:
        if status_of(failed.__cause__ or failed) not in REFUSED:
            raise
        first = replace(first, images=has_images(messages))
        for form in _simpler(first, str(failed)):
            try:
                asked = put(form, messages)
            except ModelFailed:  # then it wasn't that
                continue
            left_out: list[Offering] = [name for name in OFFERINGS if getattr(first, name) and not getattr(form, name)]
            for name in left_out:
                memory.refused.add(name)
            told = f"{failed}; asked again without {' and '.join(left_out)}"
            return replace(asked, failures=(told, *asked.failures)), form
        raise


def _simpler(refused: QuestionForm, why: str) -> Iterator[QuestionForm]:
    """Yield the forms that a server may take that has refused this one, what it complained of left out first."""
    if refused.tools and ABOUT_TOOLS.search(why):
        yield replace(refused, tools=False)
    if refused.images:
        yield replace(refused, images=False)
        if refused.tools and ABOUT_TOOLS.search(why):
            yield QuestionForm(images=False, tools=False)


class _Offer:
    """Tools as one model takes them; making the schemas takes longer than the rest of a decision."""

    def __init__(self, model: BaseChatModel, tools: Sequence[BaseTool]) -> None:
        self.model, self.tools = model, list(tools)

    @cached_property
    def bound(self) -> Runnable[Any, AIMessage]:
        return self.model.bind_tools(self.tools)

    @cached_property
    def schemas(self) -> list[dict[str, Any]]:
        return [convert_to_openai_tool(tool) for tool in self.tools]

    @cached_property
    def reader(self) -> AnswerReader:
        return AnswerReader(self.schemas)

    @cached_property
    def shapes(self) -> str:
        return json.dumps(self.schemas)


class _Same:
    """A key that is equal to another where both stand for the same object, which it keeps alive."""

    def __init__(self, one: object) -> None:
        self.one = one

    def __hash__(self) -> int:
        return id(self.one)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.one is other.one


@cached(LRUCache(OFFERS_KEPT), key=lambda model, tools: (_Same(model), *map(_Same, tools)), lock=threading.Lock())
def _offer(model: BaseChatModel, tools: Sequence[BaseTool]) -> _Offer:
    return _Offer(model, tools)
