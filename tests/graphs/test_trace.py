"""Trace steps: one record for each step of a run."""

import time
from typing import Any

from imagerag.chat_models.usage_meter import UsageMeter
from imagerag.graphs.trace import trace_step


def test_a_step_is_recorded_with_its_turn_its_seconds_and_its_error() -> None:
    state: Any = {"spent": {"steps": 3}, "turn": 2}
    entry = trace_step(state, "tools", "generate", "image-1", time.perf_counter() - 5, error="too large")
    assert (entry["step"], entry["turn"], entry["node"], entry["name"]) == (3, 2, "tools", "generate")
    assert entry["seconds"] >= 5
    assert (entry["tokens"], entry["money"], entry["error"]) == (0, 0.0, "too large")
    assert "images_sent" not in entry


def test_a_step_given_by_number_and_meter_keeps_both() -> None:
    state: Any = {"spent": {"steps": 3}, "turn": 2}
    entry = trace_step(state, "agent", "rules", "", time.perf_counter(), step=1, meter=UsageMeter(tokens=50))
    assert entry["step"] == 1
    assert entry["tokens"] == 0, "what earlier steps have used is not this one's"
