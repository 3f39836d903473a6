"""The interrupt that asks for approval, as LangChain's middleware has it."""

from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage, HumanMessage
from langgraph.types import Command

from imagerag.graphs.agent_graph import build_graph
from imagerag.graphs.approval import request_approval
from imagerag.graphs.state_queries import is_request
from imagerag.settings import Settings
from imagerag.tool_registry import REGENERATE
from testing.scripted import ScriptedCritic, Squares
from testing.servers import Shelf


def test_programs_answer_the_interrupt_as_langchains_middleware_has_it(tmp_path: Path) -> None:
    graph = build_graph(generator=Squares(), critic=ScriptedCritic([0.3, 0.9]), index=Shelf())
    config: Any = {"configurable": {"thread_id": "t"}}
    settings = Settings(home=str(tmp_path), approve=True)
    graph.invoke({"prompt": "an owl"}, config, context=settings)
    (asked,) = graph.get_state(config).interrupts
    assert asked.value["review_configs"][0]["allowed_decisions"] == ["approve", "edit", "reject"]
    graph.invoke(Command(resume="yes"), config, context=settings)
    (again,) = graph.get_state(config).interrupts
    assert again.value == asked.value
    result = graph.invoke(Command(resume={"decisions": [{"type": "approve"}]}), config, context=settings)
    assert result["stop_reason"] == "satisfied"
    assert result["images"][-1]["references"] == asked.value["action_requests"][0]["args"]["reference_ids"]
    assert sum(is_request(message) for message in result["messages"]) == 1


def test_a_step_without_a_redraw_from_the_library_asks_nothing() -> None:
    own = {"name": REGENERATE, "args": {"prompt": "an owl", "reference_ids": []}, "id": "1", "type": "tool_call"}
    draw = {"name": "generate", "args": {"prompt": "an owl"}, "id": "2", "type": "tool_call"}
    for message in (HumanMessage("an owl"), AIMessage(""), AIMessage("", tool_calls=[own, draw])):
        state: Any = {"messages": [message], "prompt": "an owl"}
        assert request_approval(state) == (state, None)
