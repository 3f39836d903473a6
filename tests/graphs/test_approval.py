"""The interrupt that asks for approval, as LangChain's middleware has it."""

from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command

from imagerag.errors import UserError
from imagerag.graphs.agent_graph import build_graph
from imagerag.graphs.approval import asks_first, request_approval
from imagerag.graphs.assembly import Graph
from imagerag.graphs.one_pass import build_one_pass
from imagerag.graphs.state_queries import is_request
from imagerag.settings import Settings
from imagerag.tool_registry import REGENERATE
from testing.scripted import ScriptedCritic, ScriptedModel, Squares
from testing.servers import Shelf

CONFIG: Any = {"configurable": {"thread_id": "t"}}
YES = {"decisions": [{"type": "approve"}]}


def asking(tmp_path: Path, *, model: Any = None) -> tuple[Graph, Settings, dict[str, Any]]:
    """Return a graph whose run waits for approval, its settings, and the arguments it asks about."""
    graph = build_graph(chat_model=model, generator=Squares(), critic=ScriptedCritic([0.3, 0.9]), index=Shelf())
    settings = Settings(home=str(tmp_path), approve=True)
    graph.invoke({"prompt": "an owl"}, CONFIG, context=settings)
    (asked,) = graph.get_state(CONFIG).interrupts
    assert asked.value["review_configs"][0]["allowed_decisions"] == ["approve", "edit", "reject", "respond"]
    return graph, settings, asked.value["action_requests"][0]["args"]


def test_programs_answer_the_interrupt_as_langchains_middleware_has_it(tmp_path: Path) -> None:
    graph, settings, arguments = asking(tmp_path)
    result = graph.invoke(Command(resume=YES), CONFIG, context=settings)
    assert result["stop_reason"] == "satisfied"
    assert result["images"][-1]["references"] == arguments["reference_ids"]
    assert sum(is_request(message) for message in result["messages"]) == 1


def home_alone(tmp_path: Path) -> Settings:
    """The context of somebody who resumes and knows nothing of approval."""
    return Settings(home=str(tmp_path))


def test_a_no_holds_whatever_the_resuming_call_carries(tmp_path: Path) -> None:
    graph, _, _ = asking(tmp_path)
    no = Command(resume={"decisions": [{"type": "reject", "message": "not that owl"}]})
    result = graph.invoke(no, CONFIG, context=home_alone(tmp_path))
    assert [image["references"] for image in result["images"]] == [[]]
    assert result["stop_reason"] == "cancelled"
    assert any("not that owl" in str(message.content) for message in result["messages"])


def test_an_edit_is_drawn_as_edited_whatever_the_resuming_call_carries(tmp_path: Path) -> None:
    graph, _, arguments = asking(tmp_path)
    edited = {"name": REGENERATE, "args": {**arguments, "reference_ids": arguments["reference_ids"][:1]}}
    answer = {"decisions": [{"type": "edit", "edited_action": edited}]}
    result = graph.invoke(Command(resume=answer), CONFIG, context=home_alone(tmp_path))
    assert result["images"][-1]["references"] == arguments["reference_ids"][:1]


@pytest.mark.parametrize("nothing", [None, Command(resume={})], ids=["nothing", "an empty answer"])
def test_going_on_without_an_answer_asks_again(tmp_path: Path, nothing: Any) -> None:
    graph, _, _ = asking(tmp_path)
    graph.invoke(nothing, CONFIG, context=home_alone(tmp_path))
    assert len(graph.get_state(CONFIG).interrupts) == 1
    assert len(graph.get_state(CONFIG).values["all_images"]) == 1


def test_a_turn_of_an_earlier_version_that_asks_is_not_drawn_unasked(tmp_path: Path) -> None:
    state: Any = {}
    assert asks_first(state, approve=False)
    assert not asks_first({**state, "approve": False}, approve=False)
    assert asks_first({**state, "approve": False}, approve=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    "answer",
    [
        "yes",
        "approve",
        True,
        1,
        [],
        {"type": "approve"},
        [{"type": "approve"}],
        {"decisions": []},
        {"decisions": "approve"},
        {"decisions": [{"type": "approve"}, {"type": "approve"}]},
        {"decisions": [{"type": "accept"}]},
        {"decisions": [{"type": "Approve"}]},
        {"decisions": ["approve"]},
        {"decisions": [None]},
        {"decisions": [{}]},
        {"decisions": [{"type": ["approve"]}]},
        {"decisions": [{"type": "edit"}]},
        {"decisions": [{"type": "edit", "edited_action": {"name": REGENERATE}}]},
        {"decisions": [{"type": "edit", "edited_action": {"name": "generate", "args": {"prompt": "an owl"}}}]},
        {"decisions": [{"type": "edit", "edited_action": {"args": "reference_ids"}}]},
        {"decisions": [{"type": "respond"}]},
        {"decision": [{"type": "approve"}]},
    ],
    ids=str,
)
@pytest.mark.parametrize("knowing", [True, False], ids=["with context", "without context"])
def test_whatever_is_no_valid_answer_is_a_no_and_is_told(tmp_path: Path, answer: Any, knowing: bool) -> None:
    graph, settings, _ = asking(tmp_path)
    context = settings if knowing else home_alone(tmp_path)
    told = [
        event
        for event in graph.stream(Command(resume=answer), CONFIG, context=context, stream_mode="custom")
        if event["event"] == "note"
    ]
    values = graph.get_state(CONFIG).values
    assert not graph.get_state(CONFIG).interrupts
    assert [image["references"] for image in values["all_images"]] == [[]]
    assert values["image"]["id"] == "image-1", "the run still returns what it has"
    assert "counts as a no" in told[0]["text"]
    assert "\n" not in told[0]["text"]


@pytest.mark.parametrize("waited", ["soon", -1e9, float("nan"), True, None, [1]], ids=str)
def test_odd_waiting_times_do_not_move_the_clock(tmp_path: Path, waited: Any) -> None:
    graph, settings, _ = asking(tmp_path)
    started = graph.get_state(CONFIG).values["spent"]["started"]
    result = graph.invoke(Command(resume={**YES, "waited": waited}), CONFIG, context=settings)
    assert result["stop_reason"] == "satisfied"
    assert graph.get_state(CONFIG).values["spent"]["started"] == started


def scripted(redraws: list[tuple[str, dict[str, Any]]]) -> ScriptedModel:
    """Return a model that draws, looks up, calls for these redraws at once, and is done."""
    draw = [("generate", {"prompt": "an owl"})]
    look_up = [("search_references", {"captions": [{"concept": "owl", "caption": "an owl"}]})]
    return ScriptedModel(script=[draw, look_up, redraws, "as you say"], seen=[], offered=[])


def test_an_answer_in_place_of_the_tool_reaches_the_model(tmp_path: Path) -> None:
    model = scripted([(REGENERATE, {"prompt": "an owl", "reference_ids": ["ref-1"]})])
    graph, settings, _ = asking(tmp_path, model=model)
    answer = {"decisions": [{"type": "respond", "message": "leave the owl as it is"}]}
    result = graph.invoke(Command(resume=answer), CONFIG, context=settings)
    assert [image["references"] for image in result["images"]] == [[]]
    assert result["stop_reason"] == "done"
    (said,) = [
        message for message in result["messages"] if isinstance(message, ToolMessage) and message.name == REGENERATE
    ]
    assert (said.content, said.status) == ("leave the owl as it is", "success")


def test_rules_can_not_read_an_answer_in_place_of_the_tool(tmp_path: Path) -> None:
    graph, settings, _ = asking(tmp_path)
    answer = {"decisions": [{"type": "respond", "message": "leave it"}]}
    result = graph.invoke(Command(resume=answer), CONFIG, context=settings)
    assert result["stop_reason"] == "cancelled"
    assert any("--vlm" in str(message.content) for message in result["messages"])


def test_each_of_several_redraws_is_asked_about(tmp_path: Path) -> None:
    both = [(REGENERATE, {"prompt": f"an owl {at}", "reference_ids": ["ref-1"]}) for at in (3, 4)]
    model = scripted(both)
    graph, settings, first = asking(tmp_path, model=model)
    assert first["prompt"] == "an owl 3"
    graph.invoke(Command(resume=YES), CONFIG, context=settings)
    (second,) = graph.get_state(CONFIG).interrupts
    assert second.value["action_requests"][0]["args"]["prompt"] == "an owl 4"
    assert len(graph.get_state(CONFIG).values["all_images"]) == 1, "nothing is drawn before all is answered"
    answer = {"decisions": [{"type": "respond", "message": "one is enough"}]}
    result = graph.invoke(Command(resume=answer), CONFIG, context=settings)
    assert [image["prompt"] for image in result["images"]] == ["an owl", "an owl 3"]


def test_nested_in_a_graph_the_parents_resume_is_honoured(tmp_path: Path) -> None:
    inner = build_graph(generator=Squares(), critic=ScriptedCritic([0.3, 0.9]), index=Shelf(), checkpointer=None)
    builder = StateGraph(MessagesState, context_schema=Settings)
    builder.add_node("painter", inner)
    builder.add_edge(START, "painter")
    outer = builder.compile(checkpointer=InMemorySaver())
    settings = Settings(home=str(tmp_path), approve=True)
    outer.invoke({"messages": [HumanMessage("an owl")]}, CONFIG, context=settings)
    assert len(outer.get_state(CONFIG).interrupts) == 1
    no: Any = Command(resume={"decisions": [{"type": "reject"}]})
    result = outer.invoke(no, CONFIG, context=home_alone(tmp_path))
    assert "image-1 shows" in str(result["messages"][-1].text)


def test_a_step_without_a_redraw_from_the_library_asks_nothing() -> None:
    own = {"name": REGENERATE, "args": {"prompt": "an owl", "reference_ids": []}, "id": "1", "type": "tool_call"}
    draw = {"name": "generate", "args": {"prompt": "an owl"}, "id": "2", "type": "tool_call"}
    for message in (HumanMessage("an owl"), AIMessage(""), AIMessage("", tool_calls=[own, draw])):
        state: Any = {"messages": [message], "prompt": "an owl"}
        assert request_approval(state, print, by_rule=False) == (state, [], None)


def test_the_pipeline_that_asks_nobody_says_so(tmp_path: Path) -> None:
    graph = build_one_pass(generator=Squares(), critic=ScriptedCritic([0.3]), index=Shelf())
    with pytest.raises(UserError, match=r"asks nobody.*build_graph"):
        graph.invoke({"prompt": "an owl"}, CONFIG, context=Settings(home=str(tmp_path), approve=True))
