"""Limits of a run: what they are, what is spent, and the moment to stop."""

import json
import math
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypedDict
from uuid import uuid4

from imagerag.chat_models.pricing import PRICES, load_pricing, pricing_of
from imagerag.chat_models.providers import is_remote
from imagerag.chat_models.recording import open_recorder
from imagerag.chat_models.replay import is_replay
from imagerag.chat_models.run_memory import RunMemory, memory_of
from imagerag.chat_models.usage_meter import UsageMeter, using_meter
from imagerag.declaration import declared_settings
from imagerag.errors import BudgetExceeded, Cancelled, UserError
from imagerag.graphs.components import Components
from imagerag.graphs.state import Limits, Spent
from imagerag.profiles.resolve import RunSettings
from imagerag.records import StopReason
from imagerag.settings import Settings
from imagerag.steady_clock import steady_time
from imagerag.tools.drawing_cost import cost_of_drawing

MAY_BE_NONE = ("max_tokens", "max_money")
"""Limits that ``None`` lifts; the others stop a run that never ends."""


class LoadingAccount(TypedDict):
    """The attributes of a ``UsageMeter`` that are of loading."""

    check_loading: Callable[[float], None]
    enter_loading: Callable[[float], None]


def merge_limits(settings: RunSettings, *overrides: Limits | None) -> Limits:
    """Return every limit, from the context unless one of the overrides names it; later overrides win.

    Raises:
        UserError: an override is no dictionary, names no limit, or has a value of the wrong type or range.
    """
    limits: Limits = {
        "max_steps": settings.max_steps,
        "max_generations": settings.max_generations,
        "max_seconds": settings.max_seconds,
        "max_loading_seconds": settings.max_loading_seconds,
        "max_tokens": settings.max_tokens,
        "max_money": settings.max_money,
    }
    for override in overrides:
        if override is not None:
            _check_limits(override, tuple(limits))
            limits.update(override)
    return limits


def _check_limits(given: Any, names: tuple[str, ...]) -> None:
    if not isinstance(given, Mapping):
        raise UserError(f"budget {str(given)[:80]!r} is no dictionary of limits; give some of {', '.join(names)}")
    declared = declared_settings(Settings)
    for name, value in given.items():
        if name not in names:
            raise UserError(f"budget has {str(name)[:80]!r}, which is no limit; valid: {', '.join(names)}")
        if value is None and name not in MAY_BE_NONE:
            raise UserError(f"{name} None of the budget is no limit; leave it out, or give {declared[name].noun}")
        declared[name].check(value)


def nothing_spent(now: float) -> Spent:
    """Return the account of a run that begins ``now`` (seconds since the epoch)."""
    return {"run": uuid4().hex, "steps": 0, "generations": 0, "started": now, "tokens": 0, "money": 0.0}


def memory_of_run(spent: Spent) -> RunMemory:
    """Return what the run of that account has learned so far; one of version 0.1 is known by its start."""
    return memory_of(spent.get("run") or str(spent["started"]))


def check_step(limits: Limits, spent: Spent) -> None:
    """Refuse another decision of the chat model.

    Raises:
        BudgetExceeded: steps or seconds have run out; tokens and money are the meter's.
    """
    if spent["steps"] >= limits["max_steps"]:
        raise BudgetExceeded("steps", spent["steps"], limits["max_steps"])
    check_seconds(limits, spent)


@contextmanager
def meter_step(limits: Limits, spent: Spent, settings: RunSettings) -> Iterator[UsageMeter]:
    """Count the model calls made until the block ends, enter them in ``spent``, and record them if that is wanted.

    Raises:
        UserError: the record file can't be written.
    """

    meter = UsageMeter(
        check=stop_check(limits, spent, settings.cancel),
        max_tokens=limits["max_tokens"],
        max_money=limits["max_money"],
        tokens=spent["tokens"],
        money=spent["money"],
        image_size=settings.image_size,
        memory=memory_of_run(spent),
        until=spent["started"] + limits["max_seconds"] + spent.get("loading", 0.0),
        **loading_account(limits, spent, settings.cancel),
        recorder=None if settings.record is None else open_recorder(settings.record),
    )
    try:
        with using_meter(meter):
            yield meter
    finally:
        spent["tokens"], spent["money"] = meter.tokens, meter.money


def loading_account(limits: Limits, spent: Spent, cancel: threading.Event | None) -> LoadingAccount:
    """Return what a meter is told to do while models are loaded: heed their own limit, and enter the time apart."""

    def enter_loading(seconds: float) -> None:
        spent["loading"] = spent.get("loading", 0.0) + seconds

    def check_loading(seconds: float) -> None:
        _check_cancelled(cancel)
        used, most = spent.get("loading", 0.0) + seconds, limits.get("max_loading_seconds", math.inf)
        if used >= most:
            raise BudgetExceeded("loading", used, most)

    return {"check_loading": check_loading, "enter_loading": enter_loading}


def check_generation(limits: Limits, spent: Spent) -> None:
    """Refuse another batch.

    Raises:
        BudgetExceeded: generations have run out.
    """
    if spent["generations"] >= limits["max_generations"]:
        raise BudgetExceeded("generations", spent["generations"], limits["max_generations"])


def check_seconds(limits: Limits, spent: Spent) -> None:
    """Refuse to go on.

    Raises:
        BudgetExceeded: the wall clock has run out.
    """
    used = steady_time() - spent["started"] - spent.get("loading", 0.0)
    if used >= limits["max_seconds"]:
        raise BudgetExceeded("seconds", used, limits["max_seconds"])


def seconds_left(limits: Limits, spent: Spent) -> float:
    """Return the seconds that the run has left; 0 when they have run out."""
    return max(limits["max_seconds"] - (steady_time() - spent["started"] - spent.get("loading", 0.0)), 0.0)


def stop_check(limits: Limits, spent: Spent, cancel: threading.Event | None) -> Callable[[], None]:
    """Return the check that generators call before each denoising step."""

    def check() -> None:
        _check_cancelled(cancel)
        check_seconds(limits, spent)

    return check


def _check_cancelled(cancel: threading.Event | None) -> None:
    if cancel is not None and cancel.is_set():
        raise Cancelled("the run was cancelled")


def stop_reason(stop: BudgetExceeded | Cancelled) -> StopReason:
    """Return the stop reason that an ending exception stands for."""
    return "cancelled" if isinstance(stop, Cancelled) else stop.kind


def check_prices(components: Components) -> None:
    """Refuse a limit on money where a price is unknown, before anything is spent.

    Raises:
        UserError: naming the model and where to put its price.
    """
    charged = [pricing_of(components.chat_model)] if components.chat_model is not None else []
    if (
        components.injected.critic is None
        and is_remote(components.settings.critic)
        and not is_replay(components.settings.critic)
    ):
        charged.append(load_pricing(components.settings.critic))
    for pricing in charged:
        if pricing is not None and pricing.cost(1, 1) is None:
            raise _unknown(pricing.name, "input = 0.5, output = 1.5", "per million tokens")
    drawing = cost_of_drawing(components.generator, "", (), 1)
    if drawing is not None and not drawing.is_known:
        if drawing.by_image:
            raise _unknown(drawing.pricing.name, "image = 0.04", "an image")
        raise _unknown(drawing.pricing.name, "input = 8.0, output = 30.0", "per million tokens")


def _unknown(name: str, figures: str, unit: str) -> UserError:
    """Return the error of a price that is not known, with the line of a price file that tells it."""
    return UserError(
        f"the price of {name!r} is not known, so max_money can't be kept; put a line such as {json.dumps(name)} = "
        f"{{ {figures} }} (US dollars {unit}) in a file and name that in {PRICES}, or leave --max-money out"
    )
