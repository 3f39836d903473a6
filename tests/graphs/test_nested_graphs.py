"""The graph as part of others, whose messages it shares: supervisors, swarms, and graphs of one's own."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    convert_to_openai_messages,
)
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph

from imagerag.errors import UserError
from imagerag.graphs.agent_graph import build_graph
from imagerag.graphs.assembly import Graph
from imagerag.settings import Settings
from testing.remote_servers import a_png
from testing.scripted import ScriptedCritic, ScriptedModel, Squares
from testing.servers import Gate, Shelf

HANDED_OVER: list[AnyMessage] = [
    AIMessage("", tool_calls=[{"name": "transfer_to_painter", "args": {}, "id": "h1", "type": "tool_call"}]),
    ToolMessage("Successfully transferred to painter", name="transfer_to_painter", tool_call_id="h1"),
]


def painter(scores: list[float] | None = None, **options: Any) -> Graph:
    critic = ScriptedCritic(scores or [0.3, 0.9])
    return build_graph(**{"generator": Squares(), "critic": critic, "index": Shelf(), "checkpointer": None} | options)


def nested(graph: Graph, before: Callable[[Any], Any] | None = None, schema: Any = Settings) -> Any:
    """Return a graph with shared messages, in which another node may add messages of its own first."""
    builder = StateGraph(MessagesState, context_schema=schema)
    builder.add_node("before", before or (lambda state: {}))
    builder.add_node("painter", graph)
    builder.add_edge(START, "before")
    builder.add_edge("before", "painter")
    return builder.compile(checkpointer=InMemorySaver())


def thread(name: str = "t") -> Any:
    return {"configurable": {"thread_id": name}}


def assert_valid_for_providers(messages: list[BaseMessage]) -> None:
    """Check what providers check: kinds of blocks, and calls and results that belong together."""
    asked: set[str] = set()
    for message in convert_to_openai_messages(messages):
        content = message.get("content")
        for block in content if isinstance(content, list) else []:
            assert block["type"] in ("text", "image_url"), block
            if block["type"] == "image_url":
                assert message["role"] == "user"
                assert block["image_url"]["url"].startswith("data:image/")
        if message["role"] == "tool":
            assert message["tool_call_id"] in asked
        asked |= {call["id"] for call in message.get("tool_calls") or ()}
    results = {message.tool_call_id for message in messages if isinstance(message, ToolMessage)}
    assert asked == results, "every call has its result"


@pytest.mark.parametrize(
    "added",
    [
        HANDED_OVER,
        [AIMessage("I hand over to the painter.", name="supervisor")],
        [SystemMessage("be brief")],
        [AIMessage(""), AIMessage("go")],
    ],
    ids=["handoff", "an answer", "a system message", "several"],
)
def test_the_last_human_turn_counts_whatever_stands_behind_it(tmp_path: Path, added: list[AnyMessage]) -> None:
    graph = nested(painter(), lambda state: {"messages": added})
    result = graph.invoke({"messages": [HumanMessage("an owl")]}, thread(), context=Settings(home=str(tmp_path)))
    assert "image-2 shows 'an owl'" in result["messages"][-1].text
    assert_valid_for_providers(result["messages"])


def test_so_it_does_without_a_graph_around_it(tmp_path: Path) -> None:
    result = painter().invoke(
        {"messages": [HumanMessage("an owl"), *HANDED_OVER]}, thread(), context=Settings(home=str(tmp_path))
    )
    assert result["prompt"] == "an owl"


def test_a_follow_up_in_a_shared_conversation_starts_from_what_was_said(tmp_path: Path) -> None:
    graph = nested(painter([0.9, 0.9]), lambda state: {"messages": [AIMessage("I hand over.")]})
    settings = Settings(home=str(tmp_path))
    graph.invoke({"messages": [HumanMessage("an owl")]}, thread(), context=settings)
    result = graph.invoke({"messages": [HumanMessage("make it red")]}, thread(), context=settings)
    assert "'a red owl'" in result["messages"][-1].text
    assert_valid_for_providers(result["messages"])


def test_a_thread_of_its_own_answers_each_message_once(tmp_path: Path) -> None:
    graph = build_graph(generator=Squares(), critic=ScriptedCritic([0.9] * 3), index=Shelf())
    settings = Settings(home=str(tmp_path))
    graph.invoke({"messages": [HumanMessage("an owl")]}, thread(), context=settings)
    second = graph.invoke({"prompt": "a cat"}, thread(), context=settings)
    assert second["prompt"] == "a cat"
    third = graph.invoke({"messages": [HumanMessage("make it red"), AIMessage("on it")]}, thread(), context=settings)
    assert third["prompt"] == "a red cat"


def test_a_prompt_beside_a_message_is_told_to_be_ignored(tmp_path: Path) -> None:
    told = [
        event["text"]
        for event in painter().stream(
            {"prompt": "a cat", "messages": [HumanMessage("an owl")]},
            thread(),
            context=Settings(home=str(tmp_path)),
            stream_mode="custom",
        )
        if event["event"] == "note"
    ]
    assert any("'a cat' is ignored" in text for text in told)


@pytest.mark.parametrize("content", ["", "   ", [{"type": "text", "text": ""}]], ids=["empty", "blank", "blocks"])
def test_an_empty_human_turn_is_one_clear_line(tmp_path: Path, content: Any) -> None:
    with pytest.raises(UserError, match="the prompt '' is empty"):
        nested(painter()).invoke({"messages": [HumanMessage(content)]}, thread(), context=Settings(home=str(tmp_path)))


def test_a_person_s_picture_stays_in_the_shared_conversation(tmp_path: Path) -> None:
    import base64

    data = base64.b64encode(a_png()).decode()
    content: Any = [
        {"type": "text", "text": "an owl"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}},
    ]
    result = nested(painter()).invoke(
        {"messages": [HumanMessage(content)]}, thread(), context=Settings(home=str(tmp_path))
    )
    assert result["messages"][0].content == content
    assert_valid_for_providers(result["messages"])


@pytest.mark.parametrize("context", [None, {"user": "u"}], ids=["none", "another kind"])
def test_a_parent_s_context_of_another_kind_does_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, context: Any
) -> None:
    monkeypatch.setenv("IMAGERAG_HOME", str(tmp_path))
    result = nested(painter(), schema=None).invoke({"messages": [HumanMessage("an owl")]}, thread(), context=context)
    assert "shows 'an owl'" in result["messages"][-1].text


def driver() -> ScriptedModel:
    """A chat model that sees images, draws, looks up, redraws, inspects and is done."""
    draw = [("generate", {"prompt": "an owl"})]
    look_up = [("search_references", {"captions": [{"concept": "owl", "caption": "an owl"}]})]
    redraw = [("regenerate_with_references", {"prompt": "an owl", "reference_ids": ["ref-1"]})]
    inspect = [("inspect_image", {"image_id": "image-1"})]
    return ScriptedModel(script=[draw, look_up, [*redraw, *inspect], "done"], seen=[], offered=[])


def test_what_leaves_the_graph_of_a_chat_model_is_valid_for_any_provider(tmp_path: Path) -> None:
    model = driver()
    graph = nested(painter([0.3, 0.4, 0.4, 0.4], chat_model=model))
    result = graph.invoke({"messages": [HumanMessage("an owl")]}, thread(), context=Settings(home=str(tmp_path)))
    assert_valid_for_providers(result["messages"])
    shown = [block for message in model.seen[-1] for block in message.content if isinstance(block, dict)]
    assert any(block["type"] == "image_url" for block in shown), "the driver is still shown its images"
    named = [
        message.additional_kwargs["images"] for message in result["messages"] if "images" in message.additional_kwargs
    ]
    assert named == [[{"id": "image-2", "sha256": named[0][0]["sha256"]}]]


def test_images_of_an_earlier_run_are_not_taken_for_those_of_this_one(tmp_path: Path) -> None:
    """Each run as part of another graph counts its images from 1; the shared messages name those of the run before."""
    settings = Settings(home=str(tmp_path))
    first = nested(painter([0.9, 0.9])).invoke({"messages": [HumanMessage("a cat")]}, thread(), context=settings)
    model = driver()
    nested(painter([0.3, 0.4, 0.4, 0.4], chat_model=model)).invoke(
        {"messages": [*first["messages"], HumanMessage("an owl")]}, thread(), context=settings
    )
    shown = [block for message in model.seen[0] for block in message.content if isinstance(block, dict)]
    assert not [block for block in shown if block["type"] == "image_url"]


@pytest.mark.parametrize("context", [Settings, None], ids=["ours", "another kind"])
def test_a_task_of_the_parent_that_is_cancelled_stops_the_drawing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, context: Any
) -> None:
    monkeypatch.setenv("IMAGERAG_HOME", str(tmp_path))
    gate = Gate()
    squares = Squares(gate)
    graph = nested(painter(generator=squares), schema=context)

    async def main() -> None:
        own = Settings(home=str(tmp_path)) if context else {"user": "u"}
        task = asyncio.create_task(graph.ainvoke({"messages": [HumanMessage("an owl")]}, thread(), context=own))
        await asyncio.to_thread(gate.reached.acquire)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        gate.open.set()

    asyncio.run(main())
    assert squares.steps_done == 1
