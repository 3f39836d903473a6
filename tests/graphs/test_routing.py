"""Where runs go on and when they stop; edges leave no step of their own in a trace."""

from typing import Any, Literal, TypedDict

import pytest
from langgraph.graph import START, StateGraph

from imagerag.graphs.routing import PATIENCE, add_edges, stop_rule


class Count(TypedDict):
    number: int


def more_or_end(state: Count) -> Literal["more", "__end__"]:
    return "more" if state["number"] < 3 else "__end__"


@pytest.mark.parametrize("start", [0, 3, 9])
def test_the_path_decides_by_the_state_until_it_ends(start: int) -> None:
    builder = StateGraph(Count)
    builder.add_node("more", lambda state: {"number": state["number"] + 1})
    builder.add_edge(START, "more")
    add_edges(builder, "more", more_or_end)
    assert builder.compile().invoke({"number": start}) == {"number": max(start + 1, 3)}


@pytest.mark.parametrize(
    ("verdict", "stale", "reason"),
    [
        ({"satisfied": True}, 0, "satisfied"),
        ({"satisfied": False}, PATIENCE - 1, None),
        ({"satisfied": False}, PATIENCE, "no_improvement"),
        ({"satisfied": True, "uncalibrated": True}, 0, "uncalibrated"),
    ],
)
def test_the_rule_by_which_a_run_stops(verdict: Any, stale: int, reason: str | None) -> None:
    best: Any = {"verdict": verdict}
    assert stop_rule(best, stale) == reason
