"""What both graphs share: nodes over one run's components, routes between them, threads, uploads and limits."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from imagerag.graphs.addresses import with_addresses
from imagerag.graphs.checkpoint_format import PlainData
from imagerag.graphs.components import Components, InjectedComponents
from imagerag.graphs.routing import add_edges
from imagerag.graphs.state import Input, Output, State
from imagerag.graphs.thread_graph import as_thread_graph
from imagerag.profiles.resolve import Given, resolve
from imagerag.settings import Settings, load_settings, without_server_paths
from imagerag.tools.session import Emit

RECURSION_LIMIT = 3 * 1000 + 10
"""LangGraph's own guard, out of the way of ``max_steps`` (at most 1000, three nodes each), which is the real limit."""

Graph = CompiledStateGraph[State, Settings, Input, Output]
Checkpointer = BaseCheckpointSaver[Any] | Literal["memory"] | None
"""``"memory"`` keeps threads for as long as the graph lives; ``None`` leaves them to what serves or nests the graph."""

Node = Callable[[State, Components, Emit], dict[str, Any]]
"""Returns what of the state changes."""


def compile_graph(
    name: str,
    nodes: Mapping[str, Node],
    routes: Mapping[str, str | Callable[[Any], str]],
    injected: InjectedComponents,
    checkpointer: Checkpointer,
    *,
    allow_paths: bool = True,
) -> Graph:
    """Return the graph of these nodes.

    Args:
        name: of the graph, as LangGraph shows it.
        nodes: by name; the run begins with the first and ends with the last.
        routes: for each node but the last the one behind it, or a function of the state that tells which, whose return
            type names all there may be.
        injected: components given by the program.
        checkpointer: keeps threads.
        allow_paths: whether requests may name files and folders of this machine, and are told where images lie on it;
            otherwise records have addresses instead of paths.
    """

    given = Given.of(injected.generator, injected.critic, injected.index)

    def running(node: Node) -> Callable[..., dict[str, Any]]:
        def run(state: State, runtime: Runtime[Settings]) -> dict[str, Any]:
            # A graph that this one is part of may have a context of another kind.
            asked = runtime.context if isinstance(runtime.context, Settings) else load_settings()
            asked = asked if allow_paths else without_server_paths(asked)
            settings = resolve(asked, state.get("profile"), given)
            write = runtime.stream_writer
            emit = write if allow_paths else lambda event: write(with_addresses(event))
            update = node(state, Components(settings, injected, emit), emit)
            return update if allow_paths else {name: with_addresses(value) for name, value in update.items()}

        return run

    builder = StateGraph(State, context_schema=Settings, input_schema=Input, output_schema=Output)
    for node_name, node in nodes.items():
        builder.add_node(node_name, running(node))
    first, *_, last = nodes
    builder.add_edge(START, first)
    for source, route in routes.items():
        if isinstance(route, str):
            builder.add_edge(source, route)
        else:
            add_edges(builder, source, route)
    builder.add_edge(last, END)
    saver = InMemorySaver(serde=PlainData()) if checkpointer == "memory" else checkpointer
    graph: Graph = as_thread_graph(builder.compile(checkpointer=saver, name=name), injected.store)
    return graph.with_config(recursion_limit=RECURSION_LIMIT)
