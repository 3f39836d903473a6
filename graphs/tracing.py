"""One step of the run as a record; the trace is the run's log."""

import time
from collections.abc import Sequence

from imagerag.graphs.state import State
from imagerag.records import TraceStep


def trace_step(
    state: State,
    node: str,
    name: str,
    summary: str,
    began: float,
    *,
    step: int | None = None,
    tokens: int = 0,
    money: float | None = 0.0,
    error: str | None = None,
    images_sent: Sequence[str] = (),
) -> TraceStep:
    """Return the record of what was done since ``began`` (of ``time.perf_counter``); money in US dollars.

    ``step`` is the decision it belongs to; the last one entered in the state unless given.
    """
    entry: TraceStep = {
        "step": state["spent"]["steps"] if step is None else step,
        "turn": state["turn"],
        "node": node,
        "name": name,
        "summary": summary,
        "seconds": round(time.perf_counter() - began, 4),
        "tokens": tokens,
        "money": money,
        "error": error,
    }
    if images_sent:
        entry["images_sent"] = list(images_sent)
    return entry
