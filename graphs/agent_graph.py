"""The agent's graph: agent -> tools -> critic (after a drawing) -> agent ... -> finish."""

from typing import Any, Literal

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from imagerag.agent.protocols import Critic, Driver, Writer
from imagerag.errors import UserError
from imagerag.generators.base import Generator
from imagerag.graphs.approval import request_approval
from imagerag.graphs.components import Components, InjectedComponents
from imagerag.graphs.nodes.agent import decide
from imagerag.graphs.nodes.critic import judge
from imagerag.graphs.nodes.finish import finish
from imagerag.graphs.nodes.intake import start_turn
from imagerag.graphs.nodes.tools import current_session, run_tool_calls
from imagerag.graphs.routing import add_edges
from imagerag.graphs.state import Drawn, Halting, Input, Limits, Output, State
from imagerag.graphs.turn import unjudged
from imagerag.graphs.uploads import with_uploads
from imagerag.index.base import ReferenceIndex
from imagerag.settings import Settings, load_settings, without_server_paths
from imagerag.store.images import ImageStore
from imagerag.tools.builtin import make_tools

RECURSION_LIMIT = 3 * 1000 + 10
"""LangGraph's own guard, out of the way of ``max_steps`` (at most 1000, three nodes each), which is the real limit."""

Graph = CompiledStateGraph[State, Settings, Input, Output]


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


def build_graph(
    *,
    chat_model: Driver | None = None,
    critic: Critic | None = None,
    writer: Writer | None = None,
    generator: Generator | None = None,
    index: ReferenceIndex | None = None,
    store: ImageStore | None = None,
    budget: Limits | None = None,
    checkpointer: BaseCheckpointSaver[Any] | Literal["memory"] | None = "memory",
    allow_paths: bool = True,
) -> Graph:
    """Return the agent's graph, ready to ``invoke`` with ``{"prompt": ...}`` and a ``thread_id``.

    Args:
        chat_model: decides; it must take tools, or be a ``ProgramDriver``. The setting ``vlm`` names one otherwise.
        critic, writer, generator, index, store: as the context names them unless given.
        budget: limits that hold unless a request brings its own.
        checkpointer: keeps threads; ``"memory"`` for as long as the graph lives, ``None`` for a graph that is served
            or nested by something that brings its own.
        allow_paths: whether requests may name files and folders of this machine; not those of a server's clients.

    Nothing heavy is loaded before the first run.
    """
    injected = InjectedComponents(chat_model, critic, writer, generator, index, store)
    tools = make_tools(current_session)
    by_name = {tool.name: tool for tool in tools}

    def components(runtime: Runtime[Settings]) -> Components:
        settings = runtime.context or load_settings()
        return Components(settings if allow_paths else without_server_paths(settings), injected, runtime.stream_writer)

    def intake(state: State, runtime: Runtime[Settings]) -> dict[str, Any]:
        if state.get("subjects") and not allow_paths:
            raise UserError(f"subjects {state['subjects']!r} are files of the server; send pictures in the message")
        return start_turn(state, components(runtime), budget)

    def agent(state: State, runtime: Runtime[Settings]) -> dict[str, Any]:
        return decide(state, components(runtime), tools)

    def run_tools(state: State, runtime: Runtime[Settings]) -> dict[str, Any]:
        resolved = components(runtime)
        if not resolved.settings.approve:
            return run_tool_calls(state, resolved, by_name, runtime.stream_writer)
        asked, rejected = request_approval(state)
        if rejected is not None:
            return rejected
        update = run_tool_calls(asked, resolved, by_name, runtime.stream_writer)
        return {**update, "messages": [asked["messages"][-1], *update["messages"]]}

    def run_critic(state: State, runtime: Runtime[Settings]) -> dict[str, Any]:
        return judge(state, components(runtime), runtime.stream_writer)

    def run_finish(state: State, runtime: Runtime[Settings]) -> dict[str, Any]:
        return finish(state, components(runtime), runtime.stream_writer)

    builder = StateGraph(State, context_schema=Settings, input_schema=Input, output_schema=Output)
    builder.add_node("intake", intake)
    builder.add_node("agent", agent)
    builder.add_node("tools", run_tools)
    builder.add_node("critic", run_critic)
    builder.add_node("finish", run_finish)
    builder.add_edge(START, "intake")
    builder.add_edge("intake", "agent")
    add_edges(builder, "agent", after_agent)
    add_edges(builder, "tools", after_tools)
    add_edges(builder, "critic", after_critic)
    builder.add_edge("finish", END)
    saver = InMemorySaver() if checkpointer == "memory" else checkpointer
    graph: Graph = with_uploads(builder.compile(checkpointer=saver, name="imagerag"), store)
    return graph.with_config(recursion_limit=RECURSION_LIMIT)
