"""Conditional edges that leave no step of their own in a trace."""

from typing import Literal, TypedDict

import pytest
from langgraph.graph import START, StateGraph

from imagerag.graphs.routing import add_edges


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
