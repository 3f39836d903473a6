"""Edges that are not traced: where a run goes on is no step of its own, and a trace of it costs as much as one."""

from collections.abc import Callable
from functools import update_wrapper
from typing import Any, get_args, get_type_hints

from langchain_core.runnables import Runnable, RunnableConfig
from langgraph.graph import StateGraph


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
