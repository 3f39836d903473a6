"""One question to a chat model: in time, retried where that helps, and made into an answer that the graph can use."""

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage

from imagerag.chat_models.answer_cleaning import tidy
from imagerag.chat_models.images import TAG, limit_of, sizes_sent
from imagerag.chat_models.logprobs import FIELDS as LOGPROBS
from imagerag.chat_models.pricing import MOST_WORDS, pricing_of
from imagerag.chat_models.providers import remedy
from imagerag.chat_models.recording import Request, Role, answered
from imagerag.chat_models.replay import RecordedFailure, ReplayModel
from imagerag.chat_models.token_estimate import estimate
from imagerag.chat_models.usage_meter import TimeKeptBack, current_meter
from imagerag.credentials import without_credentials
from imagerag.errors import BudgetExceeded, Cancelled, causes
from imagerag.interruptible import pause, retry_after, run_interruptibly
from imagerag.steady_clock import steady_time

RETRIES = 2
"""Further attempts after one that failed for a reason that may pass."""

BACKOFF = 0.5
"""Seconds before the first further attempt; doubles each time, with up to a quarter added at random."""

GARBLED = "tool_use_failed"
"""Code of the error, with status 400, by which servers tell that the model's tool call was malformed."""


class ModelFailed(Exception):
    """The model gave no answer, or none that could be read.

    Attributes:
        lasting: another attempt would fail in the same way (a wrong key, an unknown model, nobody there), or would
            have to wait for longer than the run may take.
        attempts: how many were made.
    """

    def __init__(self, why: str, *, lasting: bool, attempts: int) -> None:
        super().__init__(why)
        self.lasting = lasting
        self.attempts = attempts


class Reading(NamedTuple):
    """An answer as the caller can use it.

    Attributes:
        message: tidied.
        unsound: why it is of no use as it stands; ``None`` where it is.
    """

    message: AIMessage
    unsound: str | None = None


@dataclass(frozen=True)
class Answer:
    """What came back.

    Attributes:
        message: the answer, tidied.
        attempts: questions sent, the failed ones included.
        failures: what went wrong before, one line each.
        unsound: why the answer is of no use as it stands; ``None`` where it is.
    """

    message: AIMessage
    attempts: int
    failures: tuple[str, ...] = ()
    unsound: str | None = None


def ask(
    call: Callable[..., AIMessage],
    messages: Sequence[BaseMessage],
    *,
    model: BaseChatModel,
    shapes: str = "",
    role: Role = "driver",
    before: Callable[[], None] = lambda: None,
    retries: int | None = None,
    read: Callable[[AIMessage], Reading] | None = None,
    most_words: int = MOST_WORDS,
) -> Answer:
    """Ask the model, again where that may help, and return its answer; the current meter counts every attempt.

    Args:
        call: puts the question, such as the ``invoke`` of a chat model with its tools bound.
        messages: the question.
        model: the chat model behind ``call``, which has a price if it is one of ours.
        shapes: JSON of the tools or the schema that go with the question.
        role: in which the model is asked, for recordings.
        before: called before each attempt; raises where no other one is allowed.
        retries: further attempts after one that failed for a reason that may pass; ``RETRIES`` unless given.
        read: makes the answer into one that the caller can use; ``tidy`` unless given.
        most_words: tokens that the answer may have.

    Raises:
        ModelFailed: no answer after every attempt; the last failure's words.
        BudgetExceeded, Cancelled: from the meter or ``before``.
        UserError: a recording can't be written, or has no answer to this question.
    """
    meter = current_meter()
    failures: list[str] = []
    pricing = pricing_of(model)
    length = 0 if pricing is None else estimate(messages, shapes, limit_of(model))
    player = _RecordedQuestion(model, role, messages, shapes)
    meter.images_sent += sizes_sent(messages)
    while True:
        asked = length if pricing is None else int(length * pricing.stretch)
        most = min(meter.allow(asked, pricing, kept=True), most_words)
        settings = _settings(model, most)
        before()
        meter.calls += 1
        put = player.instead_of(call)
        try:
            meter.check_time(sent=False)
            answer = run_interruptibly(partial(put, list(messages), **settings), meter.check_answering)
        except (BudgetExceeded, Cancelled) as stop:
            player.enter(ended="cancelled" if isinstance(stop, Cancelled) else [stop.kind, stop.used, stop.limit])
            meter.enter_failure(asked, most, pricing)  # the server goes on with what it was sent
            raise
        except Exception as error:
            failed = _Failure(error, min(meter.until, meter.answer_by) - steady_time())
            player.enter(failure={"why": failed.why, "lasting": failed.lasting, "status": status_of(failed.error)})
            taken_in = (status_of(failed.error) or 200) < 400 and not failed.lasting
            if isinstance(error, TimeKeptBack):
                taken_in = error.sent
            if taken_in or _is_garbled(failed.error):  # then it may be billed
                meter.enter_failure(asked, most, pricing)
            failures.append(failed.why)
            if failed.lasting or len(failures) > (RETRIES if retries is None else retries):
                why = failed.why
                if failed.lasting and (advice := remedy(_name_of(model), status_of(failed.error))):
                    why = f"{why.rstrip('.')}; {advice}"
                raise ModelFailed(why, lasting=failed.lasting, attempts=len(failures)) from failed.error
            pause(failed.wait if failed.wait is not None else _backoff(len(failures)), meter.check)
        else:
            player.enter(**answered(answer))
            meter.enter(answer, asked, pricing)
            message, unsound = Reading(tidy(answer)) if read is None else read(answer)
            if role == "driver":  # goes into the thread, which does not take every number that a server may send
                for field in LOGPROBS:
                    message.response_metadata.pop(field, None)
            return Answer(message, len(failures) + 1, tuple(failures), unsound)


def _settings(model: BaseChatModel, most: int) -> dict[str, Any]:
    """Return how to tell the model the length of its answer, where it is to be shorter than it was made with."""
    if most >= MOST_WORDS or pricing_of(model) is None:
        return {}
    provider = str((model.metadata or {})[TAG]).partition(":")[0]
    if provider == "ollama":  # options given with a call replace all that it was made with
        return {"options": {"num_ctx": getattr(model, "num_ctx", None), "num_predict": most}}
    return {"max_output_tokens" if provider.startswith("google") else "max_tokens": most}


def _name_of(model: BaseChatModel) -> str:
    return str((model.metadata or {}).get(TAG) or type(model).__name__)


class _RecordedQuestion:
    """What recording or replaying makes of one question; nothing where neither is wanted."""

    def __init__(self, model: BaseChatModel, role: Role, messages: Sequence[BaseMessage], shapes: str) -> None:
        self._meter = current_meter()
        self._model, self._role = model, role
        wanted = self._meter.recorder is not None or isinstance(model, ReplayModel)
        self._request = Request.of(messages, shapes) if wanted else None

    def instead_of(self, call: Callable[..., AIMessage]) -> Callable[..., AIMessage]:
        """Return the call to make: the given one, or one that ends as the recorded one did."""
        if self._request is None or not isinstance(self._model, ReplayModel):
            return call
        return self._model.play(self._meter.memory.run, self._role, self._request)

    def enter(self, **outcome: Any) -> None:
        """Record how an attempt ended."""
        if self._request is not None and self._meter.recorder is not None:
            self._meter.recorder.enter(
                self._meter.memory.run, self._role, _name_of(self._model), self._request, outcome
            )


class _Failure:
    """One attempt that failed: whether another may help, the seconds to wait for it, and why, in one line."""

    def __init__(self, error: Exception, left: float) -> None:
        """Take in the failure, with ``left`` seconds of the run: one with a longer wait lasts as long as the run."""
        self.error = error
        self.wait: float | None
        if isinstance(error, RecordedFailure):
            self.lasting, self.wait, self.why = error.lasting, 0.0, str(error)
            return
        if isinstance(error, TimeKeptBack):
            self.lasting, self.wait, self.why = True, None, str(error)
            return
        self.lasting = is_lasting(error)
        self.wait = _asked_to_wait(error)
        self.why = f"{type(error).__name__}: {' '.join(without_credentials(str(error)).split())[:300]}"
        if self.wait is not None and self.wait > left and not self.lasting:
            self.lasting = True
            status = status_of(error)
            self.why += f" ({status}: asks to wait {self.wait:.0f} s, and {max(left, 0.0):.0f} s are left)"


def _backoff(failures: int) -> float:
    return float(BACKOFF * 2 ** (failures - 1) * random.uniform(1, 1.25))


def status_of(error: BaseException) -> int | None:
    """Return the HTTP status that an exception of any provider's client tells, if it does."""
    for each in causes(error):
        for source in (each, getattr(each, "response", None)):
            for name in ("status_code", "code", "status"):
                value = getattr(source, name, None)
                if isinstance(value, int) and 100 <= value < 600:
                    return value
    return None


def _asked_to_wait(error: BaseException) -> float | None:
    """Return the seconds that a server asks for: by header, or in the body, as Gemini does (google.rpc.RetryInfo)."""
    for each in causes(error):
        headers = getattr(getattr(each, "response", None), "headers", None) or {}
        if (wait := retry_after(headers.get("retry-after"))) is not None:
            return wait
        if found := re.search(r"'retryDelay': '([\d.]+)s'", str(getattr(each, "details", ""))):
            return retry_after(found[1])
    return None


def _is_garbled(error: BaseException) -> bool:
    """Tell whether the model did answer, by a tool call that its server could not read (Groq's ``tool_use_failed``)."""
    return any(
        GARBLED in (getattr(each, "code", None), getattr(each, "type", None)) or GARBLED in str(each)
        for each in causes(error)
    )


def is_lasting(error: BaseException) -> bool:
    """Tell whether the same question would fail again: the request was refused, or nobody is there."""
    if _is_garbled(error):
        return False
    status = status_of(error)
    if status is not None:
        return (400 <= status < 500 and status not in (408, 409, 425, 429)) or status == 501
    return any(
        isinstance(each, ConnectionRefusedError) or type(each).__name__ == "ConnectError" for each in causes(error)
    )
