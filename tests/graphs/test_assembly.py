"""Nodes and routes put together to a graph."""

from pathlib import Path
from typing import Any, Literal

import pytest

from imagerag.errors import UserError
from imagerag.graphs.assembly import compile_graph
from imagerag.graphs.components import Components, InjectedComponents
from imagerag.graphs.state import Halting, State
from imagerag.settings import Settings
from imagerag.tools.session import Emit


def test_a_run_goes_the_way_that_the_routes_tell(tmp_path: Path) -> None:
    passed: list[tuple[str, str]] = []

    def node(name: str, **update: Any) -> Any:
        def run(state: State, components: Components, emit: Emit) -> dict[str, Any]:
            passed.append((name, components.settings.mode))
            emit({"event": "note", "text": name})
            return {"seconds": 1.0, **update}

        return run

    def onward(state: Halting) -> Literal["again", "last"]:
        return "last" if state["halt"] else "again"

    graph = compile_graph(
        "three",
        {"first": node("first", halt=None), "again": node("again", halt="done"), "last": node("last")},
        {"first": onward, "again": onward},
        InjectedComponents(),
        "memory",
    )
    config: Any = {"configurable": {"thread_id": "t"}}
    settings = Settings(home=str(tmp_path), mode="no_lookup")
    notes = list(graph.stream({"prompt": "an owl"}, config, context=settings, stream_mode="custom"))
    assert passed == [("first", "no_lookup"), ("again", "no_lookup"), ("last", "no_lookup")]
    assert [note["text"] for note in notes] == ["first", "again", "last"]  # type: ignore[index]


def test_a_servers_client_can_name_no_place(tmp_path: Path) -> None:
    def never(state: State, components: Components, emit: Emit) -> dict[str, Any]:
        raise AssertionError("no node runs")

    graph = compile_graph("one", {"a": never, "b": never}, {"a": "b"}, InjectedComponents(), None, allow_paths=False)
    with pytest.raises(UserError, match="is a place on the server"):
        graph.invoke({"prompt": "an owl"}, context=Settings(home=str(tmp_path)))
