"""One step of the run as a record; the trace is the run's log."""

import time
from collections.abc import Sequence

from imagerag.chat_models.usage_meter import UsageMeter
from imagerag.credentials import without_credentials
from imagerag.graphs.state import State
from imagerag.records import QuoteRecord, TraceStep


def trace_step(
    state: State,
    node: str,
    name: str,
    summary: str,
    began: float,
    *,
    step: int | None = None,
    meter: UsageMeter | None = None,
    error: str | None = None,
    quotes: Sequence[QuoteRecord] = (),
) -> TraceStep:
    """Return the record of what was done since ``began`` (of ``time.perf_counter``), at the cost that ``meter`` tells.

    ``step`` is the decision it belongs to; the last one entered in the state unless given. ``quotes`` were read in it.
    """
    meter = meter or UsageMeter()
    entry: TraceStep = {
        "step": state["spent"]["steps"] if step is None else step,
        "turn": state["turn"],
        "node": node,
        "name": name,
        "summary": without_credentials(summary),
        "seconds": round(time.perf_counter() - began, 4),
        "tokens": meter.tokens_here,
        "money": meter.money_here,
        "error": None if error is None else without_credentials(error),
    }
    if meter.calls:
        entry["calls"] = meter.calls
    if meter.images_sent:
        entry["images_sent"] = list(meter.images_sent)
    if meter.prices:
        entry["prices"] = list(meter.prices.values())
    if quotes:
        entry["quotes"] = list(quotes)
    return entry
