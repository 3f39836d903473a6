"""Where a run goes on behind each node, and the rule by which it stops.

Edges are not traced: where a run goes on is no step of its own, and a trace of it costs as much as one.
"""

from collections.abc import Callable
from functools import update_wrapper
from typing import Any, Literal, get_args, get_type_hints

from langchain_core.runnables import Runnable, RunnableConfig
from langgraph.graph import StateGraph

from imagerag.graphs.state import Drawn, Halting
from imagerag.graphs.state_queries import unjudged
from imagerag.records import ImageRecord, StopReason

PATIENCE = 3
"""Generations without a better image after which the run ends with ``no_improvement``."""


def stop_rule(best: ImageRecord, stale: int) -> StopReason | None:
    """Return why the run ends after a verdict; ``None`` where it goes on. Limits end it elsewhere (``graphs.budget``).

    Args:
        best: the best image so far, judged.
        stale: generations since the best image last improved.
    """
    assert best["verdict"] is not None
    if best["verdict"].get("uncalibrated"):
        return "uncalibrated"
    if best["verdict"]["satisfied"]:
        return "satisfied"
    return "no_improvement" if stale >= PATIENCE else None


def after_intake(state: Halting) -> Literal["agent", "finish"]:
    """Draw, unless the request is answered in words."""
    return "finish" if state["halt"] else "agent"


def after_agent(state: Halting) -> Literal["tools", "finish"]:
    """Go on to the tools unless the run is halted, as it is when the model called none."""
    return "finish" if state["halt"] else "tools"


def after_tools(state: Drawn) -> Literal["critic", "agent", "finish"]:
    """Every image made is judged, also when the run has to end."""
    if unjudged(state):
        return "critic"
    return "finish" if state["halt"] else "agent"


def after_critic(state: Halting) -> Literal["agent", "finish"]:
    """End when the critic is satisfied or the run is halted."""
    return "finish" if state["halt"] else "agent"


class _Edge(Runnable[Any, str]):
    """A function from the state, or the part of it that its parameter is typed as, to the name of the next node."""

    def __init__(self, path: Callable[[Any], str]) -> None:
        update_wrapper(self, path)  # LangGraph reads its name and its types
        self._path = path
        self.name = path.__name__

    def __call__(self, state: Any) -> str:
        return self._path(state)

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> str:
        return self._path(input)

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> str:
        return self._path(input)


def add_edges(builder: StateGraph[Any, Any, Any, Any], source: str, path: Callable[[Any], str]) -> None:
    """Let ``path`` tell where a run goes on from a node: to one of the nodes that its return type names."""
    builder.add_conditional_edges(source, _Edge(path), list(get_args(get_type_hints(path)["return"])))
