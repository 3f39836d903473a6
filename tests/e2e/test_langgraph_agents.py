"""The graph as an agent of langgraph-supervisor and langgraph-swarm, with scripted models for the other agents."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatResult
from langgraph.checkpoint.memory import InMemorySaver

from imagerag.errors import UserError
from imagerag.settings import Settings
from testing.scripted import ScriptedModel, Squares, SquaresThatFail
from testing.servers import Gate
from tests.graphs.test_nested_graphs import assert_valid_for_providers, painter

THREAD: Any = {"configurable": {"thread_id": "t"}}
OUT_OF_PAPER = "the generator is out of paper; add some"


def scripted(*script: Any) -> ScriptedModel:
    return ScriptedModel(script=list(script), seen=[], offered=[])


class HandsOver(ScriptedModel):
    """Hands each request of a person over, and has nothing to add to an answer."""

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        self.script.append([("transfer_to_imagerag", {})] if messages[-1].type == "human" else "done")
        return super()._generate(messages, *args, **kwargs)


def answers(messages: list[BaseMessage]) -> list[str]:
    return [str(message.text) for message in messages if isinstance(message, AIMessage)]


def asked(prompt: str) -> Any:
    return {"messages": [{"role": "user", "content": prompt}]}


def supervisor(squares: Squares) -> Any:
    """A supervisor that hands every request over, and says that it is done where it gets an answer."""
    supervised = pytest.importorskip("langgraph_supervisor", reason="pip install langgraph-supervisor")
    model = HandsOver(script=[], seen=[], offered=[])
    team = supervised.create_supervisor([painter([0.3, 0.9, 0.9, 0.9], generator=squares)], model=model)
    return team.compile(checkpointer=InMemorySaver())


def swarm(squares: Squares) -> Any:
    """Alice, who hands every request over, and the painter, with whom the conversation stays."""
    swarmed = pytest.importorskip("langgraph_swarm", reason="pip install langgraph-swarm")
    hand_over = swarmed.create_handoff_tool(agent_name="imagerag")
    alice = create_agent(scripted([(hand_over.name, {})]), [hand_over], name="alice")
    agents = [alice, painter([0.3, 0.9, 0.9, 0.9], generator=squares)]
    return swarmed.create_swarm(agents, default_active_agent="alice").compile(checkpointer=InMemorySaver())


TEAMS = pytest.mark.parametrize("team", [supervisor, swarm])


@pytest.mark.parametrize("output_mode", ["full_history", "last_message"])
def test_a_supervisor_hands_over_and_reads_the_answer(tmp_path: Path, output_mode: Any) -> None:
    supervised = pytest.importorskip("langgraph_supervisor", reason="pip install langgraph-supervisor")
    model = scripted([("transfer_to_imagerag", {})], "Here is your owl.", [("transfer_to_imagerag", {})], "Red now.")
    team = supervised.create_supervisor([painter([0.3, 0.9, 0.9, 0.9])], model=model, output_mode=output_mode)
    graph = team.compile(checkpointer=InMemorySaver())
    settings = Settings(home=str(tmp_path))
    first = graph.invoke(asked("an owl"), THREAD, context=settings)
    assert any("image-2 shows 'an owl'" in text for text in answers(model.seen[1]))
    assert_valid_for_providers(first["messages"])
    assert_valid_for_providers(model.seen[1])
    second = graph.invoke(asked("make it red"), THREAD, context=settings)
    assert any("'a red owl'" in text for text in answers(second["messages"]))
    assert_valid_for_providers(model.seen[3])


def test_a_swarm_hands_over_and_stays_with_the_agent(tmp_path: Path) -> None:
    graph = swarm(Squares())
    settings = Settings(home=str(tmp_path))
    first = graph.invoke(asked("an owl"), THREAD, context=settings)
    assert "image-2 shows 'an owl'" in answers(first["messages"])[-1]
    assert_valid_for_providers(first["messages"])
    second = graph.invoke(asked("make it red"), THREAD, context=settings)
    assert "'a red owl'" in answers(second["messages"])[-1]
    assert_valid_for_providers(second["messages"])


@TEAMS
@pytest.mark.parametrize("fails", ["the request", "the generator"])
def test_an_error_is_one_line_and_the_conversation_goes_on(
    tmp_path: Path, team: Callable[[Squares], Any], fails: str
) -> None:
    empty = fails == "the request"
    failed: list[object] = []

    def only_once(request: object) -> bool:
        failed.append(request)
        return len(failed) == 1

    squares = Squares() if empty else SquaresThatFail(UserError(OUT_OF_PAPER), only_once, spared=0)
    graph, settings = team(squares), Settings(home=str(tmp_path))
    with pytest.raises(UserError) as raised:
        graph.invoke(asked(" " if empty else "an owl"), THREAD, context=settings)
    assert ("the prompt '' is empty" if empty else OUT_OF_PAPER) in str(raised.value)
    assert "\n" not in str(raised.value)
    after = graph.invoke(asked("a cat"), THREAD, context=settings)
    assert any("shows 'a cat'" in text for text in answers(after["messages"]))


def cancelled(graph: Any, settings: Settings, gate: Gate) -> None:
    async def main() -> None:
        task = asyncio.create_task(graph.ainvoke(asked("an owl"), THREAD, context=settings))
        await asyncio.to_thread(gate.reached.acquire)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        gate.open.set()

    asyncio.run(main())


def left(graph: Any, settings: Settings, gate: Gate) -> None:
    async def main() -> None:
        stream = graph.astream(asked("an owl"), THREAD, context=settings, stream_mode="custom", subgraphs=True)
        async for _, event in stream:
            if event["event"] == "progress" and event["what"] == "drawing":
                break
        await asyncio.to_thread(gate.reached.acquire)
        await stream.aclose()
        gate.open.set()

    asyncio.run(main())


def switched_off(graph: Any, settings: Settings, gate: Gate) -> None:
    assert settings.cancel is not None
    running = threading.Thread(target=lambda: graph.invoke(asked("an owl"), THREAD, context=settings))
    running.start()
    gate.reached.acquire()
    settings.cancel.set()
    gate.open.set()
    running.join()
    settings.cancel.clear()


@TEAMS
@pytest.mark.parametrize("stop", [cancelled, left, switched_off])
def test_whoever_stops_the_team_stops_the_drawing(
    tmp_path: Path, team: Callable[[Squares], Any], stop: Callable[[Any, Settings, Gate], None]
) -> None:
    gate = Gate()
    squares = Squares(gate)
    graph = team(squares)
    event = threading.Event() if stop is switched_off else None
    settings = Settings(home=str(tmp_path), cancel=event)
    stop(graph, settings, gate)
    assert squares.steps_done == 1
    assert len(squares.requests) == 1
    after = graph.invoke(asked("a cat"), THREAD, context=settings)
    assert any("shows 'a cat'" in text for text in answers(after["messages"]))
