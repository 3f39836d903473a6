"""The graph as an agent of langgraph-supervisor and langgraph-swarm, with scripted models for the other agents."""

from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, BaseMessage
from langgraph.checkpoint.memory import InMemorySaver

from imagerag.settings import Settings
from testing.scripted import ScriptedModel
from tests.graphs.test_nested_graphs import assert_valid_for_providers, painter

THREAD: Any = {"configurable": {"thread_id": "t"}}


def scripted(*script: Any) -> ScriptedModel:
    return ScriptedModel(script=list(script), seen=[], offered=[])


def answers(messages: list[BaseMessage]) -> list[str]:
    return [str(message.text) for message in messages if isinstance(message, AIMessage)]


@pytest.mark.parametrize("output_mode", ["full_history", "last_message"])
def test_a_supervisor_hands_over_and_reads_the_answer(tmp_path: Path, output_mode: Any) -> None:
    supervised = pytest.importorskip("langgraph_supervisor", reason="pip install langgraph-supervisor")
    model = scripted([("transfer_to_imagerag", {})], "Here is your owl.", [("transfer_to_imagerag", {})], "Red now.")
    team = supervised.create_supervisor([painter([0.3, 0.9, 0.9, 0.9])], model=model, output_mode=output_mode)
    graph = team.compile(checkpointer=InMemorySaver())
    settings = Settings(home=str(tmp_path))
    first = graph.invoke({"messages": [{"role": "user", "content": "an owl"}]}, THREAD, context=settings)
    assert any("image-2 shows 'an owl'" in text for text in answers(model.seen[1]))
    assert_valid_for_providers(first["messages"])
    assert_valid_for_providers(model.seen[1])
    second = graph.invoke({"messages": [{"role": "user", "content": "make it red"}]}, THREAD, context=settings)
    assert any("'a red owl'" in text for text in answers(second["messages"]))
    assert_valid_for_providers(model.seen[3])


def test_a_swarm_hands_over_and_stays_with_the_agent(tmp_path: Path) -> None:
    swarm = pytest.importorskip("langgraph_swarm", reason="pip install langgraph-swarm")
    hand_over = swarm.create_handoff_tool(agent_name="imagerag")
    alice = create_agent(scripted([(hand_over.name, {})]), [hand_over], name="alice")
    team = swarm.create_swarm([alice, painter([0.3, 0.9, 0.9, 0.9])], default_active_agent="alice")
    graph = team.compile(checkpointer=InMemorySaver())
    settings = Settings(home=str(tmp_path))
    first = graph.invoke({"messages": [{"role": "user", "content": "an owl"}]}, THREAD, context=settings)
    assert "image-2 shows 'an owl'" in answers(first["messages"])[-1]
    assert_valid_for_providers(first["messages"])
    second = graph.invoke({"messages": [{"role": "user", "content": "make it red"}]}, THREAD, context=settings)
    assert "'a red owl'" in answers(second["messages"])[-1]
    assert_valid_for_providers(second["messages"])
