"""What a driver's server leaves in the wrong place drives the run; what can't be read never ends it in silence."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langchain_core.utils.function_calling import convert_to_openai_tool

from imagerag.chat_models.answer_reading import AnswerReader
from imagerag.chat_models.usage_meter import UsageMeter, using_meter
from imagerag.graphs.agent_graph import build_graph
from imagerag.settings import Settings
from imagerag.tools.builtin import make_tools
from testing.chat_replies import DRAW
from testing.openai_server import Reply, serving
from testing.scripted import ScriptedCritic, Squares
from testing.served_runs import run_served
from testing.servers import Shelf

pytestmark = pytest.mark.usefixtures("quick_retries")

ARGS = {"prompt": "a big owl"}
CALL = json.dumps({"name": "generate", "arguments": ARGS})
MARKED = f"<tool_call>{CALL}</tool_call>"
SECOND = Reply(calls=[("generate", {"prompt": "another owl"})])


def native(arguments: Any, name: str = "generate") -> Reply:
    """Return an answer whose call has those arguments, as they are."""
    call = {"id": "call_0", "type": "function", "function": {"name": name, "arguments": arguments}}
    return Reply(None, extra={"tool_calls": [call]}, finish="tool_calls")


READ = {
    "object": native(ARGS),
    "encoded twice": native(json.dumps(json.dumps(ARGS))),
    "encoded three times": native(json.dumps(json.dumps(json.dumps(ARGS)))),
    "single quotes": native(str(ARGS)),
    "trailing comma": native('{"prompt": "a big owl",}'),
    "lost brace": native('{"prompt": "a big owl"'),
    "with the place that it comes from": native(json.dumps(ARGS), "functions.generate"),
    "of 2023": Reply(None, extra={"function_call": {"name": "generate", "arguments": json.dumps(ARGS)}}),
    "in the text": Reply(MARKED),
    "behind a long talk": Reply("I look at it closely. " * 300 + MARKED),
    "behind a long thought": Reply("<think>" + "I look at it closely. " * 300 + "</think>" + MARKED),
    "at the end of the reasoning": Reply(None, extra={"reasoning_content": f"So I draw.\n{MARKED}"}),
    "at the end of the reasoning, whose end is marked": Reply("", extra={"reasoning": f"I draw.</think>\n{MARKED}"}),
    "a name and its arguments": Reply(f"I draw.\ngenerate {json.dumps(ARGS)}"),
    "in a refusing server's text": Reply(f"Sure.\n```json\n{CALL}\n```"),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", READ)
def test_a_call_drives_wherever_it_stands(kind: str, tmp_path: Path) -> None:
    with serving([DRAW, READ[kind]]) as server:
        result = run_served(server, tmp_path, [0.3, 0.9])
    assert [image["prompt"] for image in result["images"]] == ["an owl", "a big owl"]
    assert result["stop_reason"] == "satisfied"
    errors = [step["error"] for step in result["trace"] if step["error"]]
    assert ["reasoning" in error for error in errors] == [True] * kind.startswith("at the end of the reasoning")


UNSOUND = {
    "half a call": (Reply(MARKED[:-20]), "can't be read"),
    "a value without quotes": (Reply(MARKED.replace('"a big owl"', "a big owl")), "can't be read"),
    "arguments alone": (Reply(json.dumps(ARGS)), "can't be read"),
    "a tool's name in capitals": (Reply(CALL.replace("generate", "Generate")), "can't be read"),
    "an element of the tool's name": (Reply("<generate><prompt>a big owl</prompt></generate>"), "can't be read"),
    "talk behind the call": (Reply(f"{CALL} Shall I?"), "can't be read"),
    "empty": (Reply(""), "it is empty"),
    "nothing": (Reply(None), "it is empty"),
    "spaces": (Reply("\n \n"), "it is empty"),
    "malformed_function_call": (Reply("", finish="malformed_function_call"), "malformed_function_call"),
    "MALFORMED_FUNCTION_CALL": (Reply("I draw.", finish="MALFORMED_FUNCTION_CALL"), "malformed_function_call"),
    "content_filter": (Reply(None, finish="content_filter"), "content_filter"),
    "half an answer filtered": (Reply("I would", finish="content_filter"), "content_filter"),
    "length": (Reply("I look at it " * 20, finish="length"), "cut off"),
    "length in mid-call": (Reply(MARKED[:-14], finish="length"), "cut off"),
    "a server's error": (Reply("", finish="error"), "broke it off"),
    "thoughts": (Reply("<think>I could draw.</think>"), "nothing but thoughts"),
    "endless thoughts": (Reply(f"<think>I could {MARKED}"), "nothing but thoughts"),
    "a call amid the reasoning": (
        Reply(None, extra={"reasoning_content": f"{MARKED} or not?"}),
        "a tool call among them",
    ),
    "reasoning alone": (Reply(None, extra={"reasoning_content": "Hm."}), "nothing but thoughts"),
    "a refusal": (Reply(None, extra={"refusal": "I can't."}), 'it is a refusal: "I can\'t."'),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", UNSOUND)
def test_an_answer_that_is_neither_call_nor_end_is_given_back(kind: str, tmp_path: Path) -> None:
    reply, why = UNSOUND[kind]
    with serving([DRAW, reply, SECOND]) as server:
        result = run_served(server, tmp_path, [0.3, 0.9])
        given_back = server.requests[2]["messages"]
    assert [image["prompt"] for image in result["images"]] == ["an owl", "another owl"]
    assert given_back[-2]["role"] == "assistant"
    assert given_back[-2]["content"]
    assert why in given_back[-1]["content"]
    assert any(why in (step["error"] or "") for step in result["trace"])
    assert sum(step["node"] == "agent" for step in result["trace"]) == 2
    assert max(step["step"] for step in result["trace"]) == 3, "each question is a step"


def noted(server: Any, home: Path, scores: list[float]) -> tuple[Any, list[str]]:
    """Return the outcome of a run, and what was told meanwhile."""
    graph = build_graph(critic=ScriptedCritic(scores), generator=Squares(), index=Shelf())
    notes, result = [], None
    config: Any = {"configurable": {"thread_id": "t"}}
    settings = Settings(home=str(home), vlm=server.name)
    for kind, chunk in graph.stream({"prompt": "an owl"}, config, context=settings, stream_mode=["custom", "values"]):
        if kind == "custom" and chunk["event"] == "note":
            notes.append(chunk["text"])
        elif kind == "values":
            result = chunk
    return result, notes


@pytest.mark.slow
@pytest.mark.parametrize("kind", UNSOUND)
def test_one_that_goes_on_ends_the_run_with_its_image_and_the_reason(kind: str, tmp_path: Path) -> None:
    reply, why = UNSOUND[kind]
    with serving(lambda request, number: reply if number else DRAW) as server:
        result, notes = noted(server, tmp_path, [0.3])
        assert len(server.requests) == 4, "it was given back twice"
    assert (result["stop_reason"], result["image"]["id"]) == ("error", "image-1")
    assert any(why in note for note in notes)


@pytest.mark.slow
@pytest.mark.parametrize("kind", UNSOUND)
def test_without_an_image_the_rules_draw_then(kind: str, tmp_path: Path) -> None:
    reply, why = UNSOUND[kind]
    with serving(lambda request, number: reply) as server:
        result, notes = noted(server, tmp_path, [0.9])
        assert len(server.requests) == 3
    assert (result["stop_reason"], result["image"]["prompt"]) == ("satisfied", "an owl")
    assert any(why in note and "the rules decide" in note for note in notes)


def test_a_model_that_only_talks_is_told_of(tmp_path: Path) -> None:
    with serving([Reply("Certainly! Here is your owl."), Reply("Done.")]) as server:
        result, notes = noted(server, tmp_path, [0.3])
    assert result["stop_reason"] == "done"
    assert notes == ["the model has called no tool; the rules decide"]


def test_of_two_calls_the_broken_one_is_refused_and_told(tmp_path: Path) -> None:
    with serving([Reply(f"{MARKED}\n<tool_call>{CALL[:-8]}</tool_call>"), Reply("Done.")]) as server:
        result, notes = noted(server, tmp_path, [0.3])
        told = json.dumps(server.requests[1]["messages"])
    assert [image["prompt"] for image in result["images"]] == ["a big owl"]
    assert any("the string has no end" in note for note in notes)
    assert "the string has no end" in told


@pytest.mark.parametrize("captions", [[{"concept": "owl", "caption": "an owl"}]])
def test_a_list_that_came_as_a_string_is_the_list(captions: Any, tmp_path: Path) -> None:
    search = Reply(calls=[("search_references", {"captions": json.dumps(captions), "k": 2})])
    with serving([DRAW, search, Reply("Done.")]) as server:
        result = run_served(server, tmp_path, [0.3])
    assert not [step["error"] for step in result["trace"] if step["error"]]
    assert any(step["name"] == "search_references" for step in result["trace"])


def test_text_that_looks_like_json_stays_text(tmp_path: Path) -> None:
    with serving([Reply(calls=[("generate", {"prompt": "7"})])]) as server:
        result = run_served(server, tmp_path, [0.9])
    assert result["image"]["prompt"] == "7"


def test_a_decision_has_a_bound(tmp_path: Path) -> None:
    with serving([DRAW]) as server:
        run_served(server, tmp_path, [0.9])
        request = server.requests[0]
    assert request.get("max_completion_tokens", request.get("max_tokens")) == 4096


PROMPT = "an owl"
BROKEN = (
    # a closing mark in a value, whose rest would be lost
    "<tool_call><function=generate><parameter=prompt>an owl </tool_call> at sea</parameter></function></tool_call>",
    "<tool_call><function=generate><parameter=prompt>an owl </parameter> at sea</parameter></function></tool_call>",
    "<tool_call>generate<arg_key>prompt</arg_key><arg_value>an owl </tool_call> at sea</arg_value></tool_call>",
    "<tool_call>generate<arg_key>prompt<arg_value>an owl</arg_value><arg_key>seed</arg_key><arg_value>7</arg_value>",
    # in other clothes
    "tool: generate\narguments:\n  prompt: an owl",
    "Sure: tool: generate\narguments:\n  prompt: an owl",
    '&lt;tool_call&gt;{"name": "generate", "arguments": {"prompt": "an owl"}}&lt;/tool_call&gt;',
    "&lt;generate&gt;&lt;prompt&gt;an owl&lt;/prompt&gt;&lt;/generate&gt;",
    r"{\"name\": \"generate\", \"arguments\": {\"prompt\": \"an owl\"}}",
    r"Sure: {\"action\": \"generate\", \"action_input\": {\"prompt\": \"an owl\"}}",
    'Sure: ```tool_code\ngenerte(prompt="an owl")\n```',
    "Sure: default_api.generat(prompt='an owl')",
    "Thought: I draw.\nAction: gener",
    "<|channel|>analysis<|message|>I draw.<|end|><|start|>assistant<|channel|>",
    "<|start|>assistant<|channel|>commentary to=function",
)


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_call_is_neither_the_last_word_nor_run_with_a_part_of_its_value(text: str) -> None:
    tools = [convert_to_openai_tool(tool) for tool in make_tools()]
    reading = AnswerReader(tools).read(AIMessage(text, response_metadata={"finish_reason": "stop"}))
    assert not [call for call in reading.message.tool_calls if call["args"].get("prompt")], reading.message.tool_calls
    assert reading.unsound is not None


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ('{"recipient_name": "functions.generate", "parameters": {"prompt": "an owl"}}', PROMPT),
        ('{"action": "generate", "action_input": {"prompt": "an owl"}}', PROMPT),
        ('{"tool": "generate", "tool_input": {"prompt": "an owl"}}', PROMPT),
        ('>>>all\nI draw.>>>generate\n{"prompt": "an owl"}', PROMPT),
        (
            "<invoke name=\u201cgenerate\u201d><parameter name=\u201cprompt\u201d>an owl</parameter></invoke>",
            PROMPT,
        ),
        ('<|python_start|>[generate(prompt="a <b>bold</b> owl")]<|python_end|>', "a <b>bold</b> owl"),
        (r'[generate(prompt="an owl \ud83e\udd89")]', "an owl \N{OWL}"),
    ],
)
def test_a_call_is_read_whole(text: str, prompt: str) -> None:
    tools = [convert_to_openai_tool(tool) for tool in make_tools()]
    reading = AnswerReader(tools).read(AIMessage(text, response_metadata={"finish_reason": "stop"}))
    assert [call["args"] for call in reading.message.tool_calls] == [{"prompt": prompt}]


@pytest.mark.parametrize("text", [" " * 60_000, "{a " * 20_000, "generate(" * 6000, "<|channel|>" + "a " * 30_000])
def test_a_flood_of_the_same_is_read_without_hanging(text: str) -> None:
    began = time.monotonic()
    AnswerReader([convert_to_openai_tool(tool) for tool in make_tools()]).read(AIMessage(text))
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("reason", ["tool_calls", "tool_use", "function_call"])
def test_a_call_that_was_lost_on_the_way_is_asked_for_again(reason: str) -> None:
    reader = AnswerReader([convert_to_openai_tool(tool) for tool in make_tools()])
    reading = reader.read(AIMessage("I draw it now.", response_metadata={"finish_reason": reason}))
    assert reading.unsound == f"its server says that it calls a tool, and no call is there (finish_reason {reason!r})"
    thought = {"reasoning_content": 'So: {"name": "generate", "arguments": {"prompt": "an owl"}}'}
    found = reader.read(AIMessage("", additional_kwargs=thought, response_metadata={"finish_reason": reason}))
    assert [call["args"] for call in found.message.tool_calls] == [{"prompt": "an owl"}]


def native(*calls: tuple[str, str, dict[str, Any]], text: str = "") -> AIMessage:
    return AIMessage(
        text, tool_calls=[{"name": name, "id": given, "args": args, "type": "tool_call"} for name, given, args in calls]
    )


def read_with_notes(message: AIMessage) -> tuple[AIMessage, list[str]]:
    with using_meter(UsageMeter()) as meter:
        answer = AnswerReader([convert_to_openai_tool(tool) for tool in make_tools()]).read(message).message
    return answer, meter.notes


def test_calls_of_one_id_or_one_name_are_all_run_with_ids_of_their_own() -> None:
    owl, cat = {"prompt": "an owl"}, {"prompt": "a cat"}
    answer, notes = read_with_notes(native(("generate", "c", owl), ("generate", "c", cat), ("generate", "", owl)))
    assert [call["args"] for call in answer.tool_calls] == [owl, cat, owl]
    ids = [call["id"] for call in answer.tool_calls]
    assert ids[0] == "c"
    assert len({*ids}) == 3
    assert notes == []


def test_calls_that_are_too_many_are_noted() -> None:
    answer, notes = read_with_notes(native(*(("generate", f"c{n}", {"prompt": f"owl {n}"}) for n in range(11))))
    assert len(answer.tool_calls) == 8
    assert notes == ["of 11 tool calls the first 8 are run"]


@pytest.mark.parametrize(("prompt", "noted"), [("a cat", True), ("an owl", False)])
def test_a_call_in_the_text_beside_others_is_noted_where_it_differs(prompt: str, noted: bool) -> None:
    text = f'<tool_call>{{"name": "generate", "arguments": {{"prompt": "{prompt}"}}}}</tool_call>'
    answer, notes = read_with_notes(native(("generate", "c", {"prompt": "an owl"}), text=text))
    assert [call["args"] for call in answer.tool_calls] == [{"prompt": "an owl"}]
    assert bool(notes) is noted
    assert not noted or 'is not run: generate({"prompt": "a cat"})' in notes[0]
