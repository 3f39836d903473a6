"""Answers in words: from the chat model that drives, where there is one, or by rule; nothing is drawn or queued."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import anyio

from imagerag.chat_models.lenient_json import Uncertain, decode, objects_in
from imagerag.errors import BudgetExceeded, Cancelled, UserError
from imagerag.server.api_error import ApiError
from imagerag.server.off_loop import reading
from imagerag.server.openai.text_tasks import TextTask, by_rule
from imagerag.server.service import Service
from imagerag.steady_clock import steady_time

SECONDS = 30.0
"""For which a chat model may take over one text; by then the rule answers."""

MAX_ASKED = 20_000
"""Characters of the conversation that a chat model is shown, its end; front ends put whole documents into them."""

AT_ONCE = 2
"""Texts that are asked for at once, so that a front end's background tasks leave the model to the drawings."""

_log = logging.getLogger(__name__)


class Written(NamedTuple):
    """A text, and the tokens that the model took for it, question and answer; none by rule."""

    text: str
    tokens: int = 0


class TextAnswers:
    """Writes texts for a service.

    Args:
        service: whose driver writes.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._turns = anyio.CapacityLimiter(AT_ONCE)

    async def task(self, messages: Sequence[tuple[str, str]], task: TextTask) -> Written:
        """Return the answer to a front end's own task.

        Raises:
            ApiError: only a chat model could answer, and none does.
        """
        rule = by_rule(task)
        try:
            written = await self._asked(messages)
            if task.as_json:
                keys = task.keys
                found = json_in(written.text, lambda value: all(key in value for key in keys))
                if found is None:
                    raise _NoTextError(f"the chat model's answer is no JSON with {' and '.join(map(repr, keys))}")
                picked = {key: found[key] for key in keys}
                written = Written(json.dumps(picked, ensure_ascii=False), written.tokens)
            elif task.as_list:
                written = Written(json.dumps(_strings_in(written.text), ensure_ascii=False), written.tokens)
        except _NoTextError as why:
            if rule is None:
                raise _refused("this request asks for a text", "messages", why) from why
            _log.info("a %s is made by rule: %s", task.kind, why)
            return Written(rule)
        return written

    async def of_format(
        self, messages: Sequence[tuple[str, str]], schema: Mapping[str, Any] | None, field: str
    ) -> Written:
        """Return a JSON object, of that schema where there is one.

        Args:
            field: the request's field that asks for it, for errors.

        Raises:
            ApiError: no chat model drives, or its answer does not fit.
        """
        shape = f" that fits this JSON schema:\n{json.dumps(schema)}" if schema else ""
        told = [("system", f"Answer with one JSON object and nothing else{shape}"), *messages]
        try:
            written = await self._asked(told)
            found = await reading(_fitting, written.text, schema)
        except _NoTextError as why:
            raise _refused(f"{field} asks for a text of a given form", field, why) from why
        return Written(json.dumps(found, ensure_ascii=False), written.tokens)

    async def words(self, messages: Sequence[tuple[str, str]], field: str) -> Written:
        """Return a text.

        Raises:
            ApiError: no chat model drives, or it gives none.
        """
        try:
            return await self._asked(messages)
        except _NoTextError as why:
            raise _refused(f"{field} asks for a text", field, why) from why

    async def _asked(self, messages: Sequence[tuple[str, str]]) -> Written:
        async with self._turns:
            return await anyio.to_thread.run_sync(self._ask, list(messages))

    def _ask(self, messages: list[tuple[str, str]]) -> Written:
        from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

        from imagerag.chat_models.client import ModelFailed, ask
        from imagerag.chat_models.reasoning import without_reasoning
        from imagerag.chat_models.usage_meter import UsageMeter, using_meter

        kinds: dict[str, type[BaseMessage]] = {
            "assistant": AIMessage,
            "system": SystemMessage,
            "developer": SystemMessage,
        }
        put = [kinds.get(role, HumanMessage)(text[-MAX_ASKED:]) for role, text in messages if text.strip()]
        until = steady_time() + SECONDS
        settings = self._service.settings

        def check() -> None:
            if steady_time() > until:
                raise BudgetExceeded("seconds", SECONDS, SECONDS)

        meter = UsageMeter(check, settings.max_tokens, settings.max_money, until=until)
        try:
            with using_meter(meter):
                model = self._service.components.chat_model
                if model is None:
                    raise _NoTextError(f"the driver {settings.vlm!r} writes none")
                text = str(ask(model.invoke, put, model=model, retries=0).message.text)
        except (ModelFailed, BudgetExceeded, Cancelled, UserError) as error:
            raise _NoTextError(f"the chat model gave none ({error})") from error
        text = without_reasoning(text).strip()
        if not text:
            raise _NoTextError("the chat model's answer is empty")
        return Written(text, meter.tokens_here)


class _NoTextError(Exception):
    """The chat model writes no text."""


def json_in(text: str, fits: Callable[[dict[str, Any]], bool] | None = None) -> dict[str, Any] | None:
    """Return the last JSON object in a model's text that fits, whatever stands around it; ``None`` if there is none.

    Args:
        text: read leniently, see ``imagerag.chat_models.lenient_json``.
        fits: tells whether an object is the one wanted; each is where it is left out.
    """
    return next((found for found in reversed(objects_in(text)) if fits is None or fits(found)), None)


def _strings_in(text: str) -> list[str]:
    """Return the last list of strings in a model's text.

    Raises:
        _NoTextError: there is none.
    """
    place = text.rfind("[")
    while place >= 0:
        try:
            value, _ = decode(text, place)
        except Uncertain:
            value = None
        if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
            return value
        place = text.rfind("[", 0, place)
    raise _NoTextError("the chat model's answer holds no list of strings")


def _fitting(text: str, schema: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the last object in a model's text that fits a schema, or any where there is none.

    Raises:
        _NoTextError: there is none; tells why the last one does not fit.
    """
    found = json_in(text, lambda value: schema is None or _misfit(value, schema) is None)
    if found is None:
        unfit = json_in(text)
        why = "is no JSON" if unfit is None or schema is None else f"does not fit: {_misfit(unfit, schema)}"
        raise _NoTextError(f"its answer {why}")
    return found


def _misfit(value: Any, schema: Mapping[str, Any]) -> str | None:
    """Return why a value does not fit a client's schema; ``None`` if it does.

    Nothing that the schema names by an address is fetched, and its regular expressions are not run: they may take for
    ever, and hold up everybody.
    """
    from jsonschema import exceptions, validators
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    try:
        plain = validators.validator_for(schema, default=validators.Draft202012Validator)
        plain.check_schema(schema)
        checker = validators.extend(plain, {"pattern": _unchecked, "patternProperties": _unchecked})
        error = exceptions.best_match(checker(schema, registry=Registry()).iter_errors(value))
    except exceptions.SchemaError as wrong:
        return f"the schema is none: {wrong.message[:200]}"
    except (Unresolvable, RecursionError) as wrong:
        return f"the schema can't be followed: {str(wrong)[:200]}"
    return None if error is None else str(error.message)[:200]


def _unchecked(*_: Any) -> tuple[()]:
    return ()


def _refused(what: str, field: str, why: Exception) -> ApiError:
    way = "ask for a picture" if field == "messages" else f"leave {field} out"
    text = f"{what}, and this server draws: {why}; {way}, or name a chat model with --vlm at the server"
    return ApiError(400, text, "unsupported", field)
