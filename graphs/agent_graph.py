"""The agent's graph: agent -> tools -> critic (after a drawing) -> agent ... -> finish."""

from typing import Any

from imagerag.agent.protocols import Critic, Driver, Writer
from imagerag.errors import UserError
from imagerag.generators.base import Generator
from imagerag.graphs.approval import asks_first, request_approval
from imagerag.graphs.assembly import Checkpointer, Graph, compile_graph
from imagerag.graphs.components import Components, InjectedComponents
from imagerag.graphs.nodes.agent import decide
from imagerag.graphs.nodes.critic import judge
from imagerag.graphs.nodes.finish import finish
from imagerag.graphs.nodes.intake import start_turn
from imagerag.graphs.nodes.tools import run_tool_calls
from imagerag.graphs.routing import after_agent, after_critic, after_intake, after_tools
from imagerag.graphs.state import Limits, State
from imagerag.index.base import ReferenceIndex
from imagerag.store.images import ImageStore
from imagerag.tools.builtin import make_tools
from imagerag.tools.session import Emit


def build_graph(
    *,
    chat_model: Driver | None = None,
    critic: Critic | None = None,
    writer: Writer | None = None,
    generator: Generator | None = None,
    index: ReferenceIndex | None = None,
    store: ImageStore | None = None,
    budget: Limits | None = None,
    checkpointer: Checkpointer = "memory",
    allow_paths: bool = True,
) -> Graph:
    """Return the agent's graph, ready to ``invoke`` with ``{"prompt": ...}`` and a ``thread_id``.

    Args:
        chat_model: decides; it must take tools, or be a ``ProgramDriver``. The setting ``vlm`` names one otherwise.
        critic, writer, generator, index, store: as the context names them unless given.
        budget: limits that hold unless a request brings its own.
        checkpointer: keeps threads; ``"memory"`` for as long as the graph lives, ``None`` for a graph that is served
            or nested by something that brings its own.
        allow_paths: whether requests may name files and folders of this machine, and records tell where images lie on
            it; not those of a server's clients, who get addresses.

    Nothing heavy is loaded before the first run.
    """
    injected = InjectedComponents(chat_model, critic, writer, generator, index, store)
    tools = make_tools()
    by_name = {tool.name: tool for tool in tools}

    def intake(state: State, components: Components, emit: Emit) -> dict[str, Any]:
        if state.get("subjects") and not allow_paths:
            raise UserError(f"subjects {state['subjects']!r} are files of the server; send pictures in the message")
        if (state.get("mask") or state.get("masked")) and not allow_paths:
            raise UserError(
                "mask and masked are files of the server; its pages and APIs take masks, this graph doesn't"
            )
        return start_turn(state, components, budget)

    def agent(state: State, components: Components, emit: Emit) -> dict[str, Any]:
        return decide(state, components, tools)

    def run_tools(state: State, components: Components, emit: Emit) -> dict[str, Any]:
        if not asks_first(state, components.settings.approve):
            return run_tool_calls(state, components, by_name, emit)
        approved = request_approval(state, emit, components.program is not None)
        if approved.ended is not None:
            return approved.ended
        update = run_tool_calls(approved.state, components, by_name, emit, approved.answered)
        return {**update, "messages": [approved.state["messages"][-1], *update["messages"]]}

    return compile_graph(
        "imagerag",
        {"intake": intake, "agent": agent, "tools": run_tools, "critic": judge, "finish": finish},
        {"intake": after_intake, "agent": after_agent, "tools": after_tools, "critic": after_critic},
        injected,
        checkpointer,
        allow_paths=allow_paths,
    )
