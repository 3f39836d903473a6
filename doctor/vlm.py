"""Whether the chat models of providers and servers answer, call tools and see: three short questions to each."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage

from imagerag.agent.registry import load_chat_model
from imagerag.chat_models.capabilities import takes_images
from imagerag.chat_models.client import ModelFailed, ask
from imagerag.chat_models.images import image_block, limit_of
from imagerag.chat_models.usage_meter import UsageMeter, using_meter
from imagerag.doctor.finding import Finding, of_error, ok, warning, wrong
from imagerag.doctor.keys import is_set, key_of, models_of_providers
from imagerag.doctor.threads import WAIT, left, side_by_side
from imagerag.errors import BudgetExceeded, UserError
from imagerag.profiles.resolve import RunSettings
from imagerag.steady_clock import steady_time

SECONDS = WAIT
"""For all three questions together; models that reason take several for one."""
AT_LEAST = 4.0
"""Seconds for them where LangChain, which takes seconds to load, has left little of the time for all waits."""
LONGEST = 25.0
"""Seconds for LangChain to load and a model to answer; the questions end sooner."""
TOKENS = 8000
"""That one question and its answer may take. A model that reasons writes hundreds before a word; what an image takes is
estimated by what the model has counted before."""


@dataclass(frozen=True)
class Answers:
    """What one model did.

    Attributes:
        findings: what there is to say of it.
        seconds: that its plain answer took; ``None`` if none came.
    """

    findings: tuple[Finding, ...]
    seconds: float | None = None


def report(word: str) -> str:
    """Report a word.

    Args:
        word: the word.
    """
    return word


def check_chat_models(settings: RunSettings) -> Answers:
    """Ask every chat model of a run that a provider or server answers for, if its key is set.

    Those that run here are not loaded for that: only their weights are looked for.
    """
    calls = [
        partial(_answers, name, roles, settings)
        for name, roles in models_of_providers(settings).items()
        if (key := key_of(name)) is None or is_set(key)  # else the check of keys says so
    ]
    answers = [found for found in side_by_side(calls, LONGEST) if found is not None]
    seconds = next((found.seconds for found in answers if found.seconds), None)
    return Answers(tuple(finding for found in answers for finding in found.findings), seconds)


def _answers(name: str, roles: list[str], settings: RunSettings) -> Answers:
    what = f"{' and '.join(roles)} {name!r}"
    try:
        model = load_chat_model(name, settings=settings.device_settings)
    except UserError as error:
        return Answers((of_error("vlm", error),))
    calls: list[Callable[[float], Any]] = [partial(_plain, model)]
    if "vlm" in roles:
        calls.append(partial(_called_tool, model))
    sees = takes_images(model) and not (settings.vlm_text_only and "critic" not in roles)
    if sees:
        calls.append(partial(_colour, model))
    most = left(SECONDS, AT_LEAST)
    results = side_by_side([partial(_outcome, partial(call, most), most) for call in calls], most + 0.5)
    answered, *others = [result or (f"no answer within {most:.0f} s", 0.0) for result in results]
    if isinstance(answered[0], str):
        mend = "see what it says, or name another with --vlm"
        return Answers((wrong("vlm", f"{what} does not answer: {answered[0]}", mend),))
    findings = [ok("vlm", f"{what} answers, after {answered[1]:.1f} s")]
    if "vlm" in roles:
        called = others.pop(0)[0]
        if called is True:
            findings.append(ok("vlm", f"{what} calls tools"))
        else:
            why = called if isinstance(called, str) else "it answered in words"
            text = f"{what} called no tool: {why}; what it says is read as a call where that is possible"
            findings.append(warning("vlm", text, "name a model that calls tools with --vlm"))
    findings.append(_of_sight(what, roles, others[0][0] if sees else None))
    return Answers(tuple(findings), answered[1])


def _of_sight(what: str, roles: list[str], seen: object) -> Finding:
    """Return the finding on images: ``True`` if it saw, else why not; ``None`` if it takes none."""
    if seen is True:
        return ok("vlm", f"{what} sees images")
    why = (
        "takes no images"
        if seen is None
        else f"does not see images: {seen}"
        if isinstance(seen, str)
        else ("did not see that a red square is red")
    )
    if "critic" in roles:
        return wrong("vlm", f"{what} {why}, so it can't judge", "name a critic that sees with --critic")
    return warning("vlm", f"{what} {why}; they are described to it in words", "--vlm-text-only")


def _outcome(call: Callable[[], Any], most: float) -> tuple[Any, float]:
    """Return what a call returns, or in words why it failed, and the seconds that it took."""
    began = time.monotonic()
    try:
        return call(), time.monotonic() - began
    except ModelFailed as error:
        return str(error), 0.0
    except BudgetExceeded as error:
        return f"no answer within {most:.0f} s" if error.kind == "seconds" else str(error), 0.0
    except NotImplementedError:  # LangChain's way to say that a model takes no tools
        return "LangChain's package of this provider has no tools", 0.0


def _asked(
    model: BaseChatModel, call: Callable[..., AIMessage], content: Any, most: float, shapes: str = ""
) -> AIMessage:
    began = time.monotonic()

    def check() -> None:
        if time.monotonic() - began > most:
            raise BudgetExceeded("seconds", time.monotonic() - began, most)

    with using_meter(UsageMeter(check=check, max_tokens=TOKENS, until=steady_time() + most)):
        return ask(call, [HumanMessage(content)], model=model, shapes=shapes, retries=0).message


def _plain(model: BaseChatModel, most: float) -> bool:
    _asked(model, model.invoke, "Answer with one word: ready.", most)
    return True


def _called_tool(model: BaseChatModel, most: float) -> bool:
    bound: Any = model.bind_tools([report])
    answer = _asked(model, bound.invoke, "Call the tool report with the word owl.", most, shapes="report word")
    return any(call["name"] == "report" for call in answer.tool_calls)


def _colour(model: BaseChatModel, most: float) -> bool:
    from PIL import Image

    picture = image_block(Image.new("RGB", (64, 64), (255, 0, 0)), limit_of(model))
    words = {"type": "text", "text": "What colour is this square? Answer with one word."}
    return "red" in _asked(model, model.invoke, [words, picture], most).text.lower()
