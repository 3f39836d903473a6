"""Structured answers: native schema, tool call or words, and one repair."""

import json
from typing import Any

import pytest
from PIL import Image

from imagerag.agent.rerankers import VlmReranker
from imagerag.agent.rule_writer import RuleWriter
from imagerag.agent.vlm_writer import VlmWriter
from imagerag.chat_models.providers import connect
from imagerag.chat_models.structured import WAYS as ALL_WAYS
from testing.openai_server import Reply, serving
from testing.verdict_replies import BAD_VERDICTS, OWL, answering, request_kind, verdict_of

pytestmark = pytest.mark.usefixtures("quick_retries")
WAYS = list(ALL_WAYS)


@pytest.mark.slow
@pytest.mark.parametrize("bad", BAD_VERDICTS, ids=lambda reply: repr(reply)[:50])
def test_what_does_not_fit_is_sent_back_once_with_the_reason(judge_with: Any, bad: Reply) -> None:
    judged, meter, server, _ = judge_with([bad, answering(verdict_of(True))])
    assert judged["satisfied"]
    assert judged["critic"] == "openai:x"
    assert meter.calls == 2
    assert "does not fit" in meter.notes[0]
    assert "That answer can't be used" in server.requests[1]["messages"][-1]["content"]
    assert '"confidence"' in server.requests[1]["messages"][-1]["content"], "the schema, which some servers keep back"


def test_a_provider_without_schemas_is_asked_by_tool_and_then_in_words_and_that_is_remembered(judge_with: Any) -> None:
    def script(request: dict[str, Any], number: int) -> Reply:
        if "response_format" in request or "tools" in request:
            return Reply("not supported here", status=400)
        return Reply(f"Gladly!\n```json\n{json.dumps(verdict_of(True))}\n```")

    judged, _, server, critic = judge_with(script)
    assert judged["satisfied"]
    assert [request_kind(request) for request in server.requests] == WAYS
    assert critic.judge([OWL], "a b")[0]["satisfied"]
    assert len(server.requests) == 5


def test_words_are_held_to_json_where_the_server_can(judge_with: Any) -> None:
    def script(request: dict[str, Any], number: int) -> Reply:
        if request_kind(request) in ("json_schema", "function_calling"):
            return Reply("not supported here", status=400)
        assert request_kind(request) == "json_mode"
        assert "fit this JSON schema" in json.dumps(request["messages"][-1])
        return answering(verdict_of(True))

    judged, _, server, _ = judge_with(script)
    assert (judged["critic"], len(server.requests)) == ("openai:x", 3)


def test_a_provider_with_tools_alone_is_asked_by_tool(judge_with: Any) -> None:
    def script(request: dict[str, Any], number: int) -> Reply:
        if "response_format" in request:
            return Reply("not supported here", status=400)
        return Reply(calls=[(request["tools"][0]["function"]["name"], verdict_of(True, False))])

    judged, _, server, _ = judge_with(script)
    assert judged["missing"] == ["b"]
    assert len(server.requests) == 2


@pytest.mark.parametrize("failing", [Reply(status=503), Reply("a", status=400), Reply("b", status=429)])
def test_a_repair_is_one_call_whatever_becomes_of_it(judge_with: Any, failing: Reply) -> None:
    judged, meter, server, _ = judge_with(lambda request, number: failing if number else Reply("Yes, but"))
    assert judged["critic"] == "scripted"
    assert len(server.requests) == meter.calls == 2
    assert {request_kind(request) for request in server.requests} == {"json_schema"}


@pytest.mark.parametrize("status", [401, 403, 402, 413])
def test_a_refusal_that_says_nothing_about_the_way_does_not_change_it(judge_with: Any, status: int) -> None:
    script = [Reply("not now", status=status), answering(verdict_of(True))]
    judged, _, server, critic = judge_with(script)
    assert judged["critic"] == "scripted"
    assert critic.judge([OWL], "a b")[0]["critic"] == "openai:x"
    assert [request_kind(request) for request in server.requests] == ["json_schema", "json_schema"]


def test_where_no_way_works_none_is_to_blame(judge_with: Any) -> None:
    refused = Reply("rejected by the safety system", status=400)
    judged, _, server, critic = judge_with([refused] * 8 + [answering(verdict_of(True))])
    assert judged["critic"] == "scripted"
    assert critic.judge([OWL], "a b")[0]["critic"] == "openai:x"
    assert [request_kind(request) for request in server.requests] == [*WAYS, *WAYS, "json_schema"], (
        "with log-probabilities, then without"
    )
    assert [bool(request.get("logprobs")) for request in server.requests] == [True] * 4 + [False] * 4 + [True]


WRONG, RIGHT = json.dumps(verdict_of(False)), json.dumps(verdict_of(True))
LONG = "I look at it again. " * 1000


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        f"<think>Perhaps {WRONG}?</think>{RIGHT}",
        f"[THINK]Perhaps {WRONG}?[/THINK]{RIGHT}",
        f"Perhaps {WRONG}?</think>\n{RIGHT}",
        f"<think>{WRONG}<think>no</think>{WRONG}</think>{RIGHT}",
        f"<thinking>{WRONG}</thinking>```json\n{RIGHT}\n```",
        f"<|channel|>analysis<|message|>{WRONG}<|end|><|start|>assistant<|channel|>final<|message|>{RIGHT}",
        f"{RIGHT}<think>Or {WRONG}?</think>",
        f"<think>{LONG}{WRONG}</think>{RIGHT}",
        f"{LONG}{RIGHT}",
        f"{WRONG}\nNo, that was wrong. Corrected:\n{RIGHT}",
        f"{WRONG[:-1]}, wait, no.\n\nCorrected answer: {RIGHT}",
        f'{{"concepts": ["beak"\nOops, the JSON again: {RIGHT}',
        f'{{"score": 0.1 - hmm, let me recompute:\n{RIGHT}',
        f"For example {WRONG} would be an answer. Mine is:\n{RIGHT}",
        f'{{"note": "I answer now"}} {RIGHT}',
        f"I judge {{carefully}}: {RIGHT}",
        f'{RIGHT} {{"done": true}}',
        f'<tool_call>{{"name": "Judgement", "arguments": {RIGHT}}}</tool_call>',
        f'{{"name": "Judgement", "arguments": {json.dumps(RIGHT)}}}',
        RIGHT[:-1] + ",}",
        RIGHT[:-1],
        RIGHT.replace('"', "'").replace("true", "True"),
    ],
    ids=lambda text: text[:40],
)
def test_the_last_object_that_fits_is_the_answer_and_thoughts_hold_none(judge_with: Any, text: str) -> None:
    judged, meter, *_ = judge_with([Reply(text)])
    assert (judged["satisfied"], judged["critic"], meter.calls) == (True, "openai:x", 1)
    assert meter.notes == []


@pytest.mark.parametrize(
    "reply",
    [
        Reply(f"<think>I think {RIGHT}"),
        Reply(f"<think>{RIGHT}</think>"),
        Reply(f'{{"draft": {RIGHT}, "concepts": ['),
        Reply(RIGHT[:-1], finish="length"),
        Reply(RIGHT[:-20]),
    ],
    ids=lambda reply: repr(reply.text)[:40],
)
def test_what_was_only_thought_or_half_written_is_asked_for_again(judge_with: Any, reply: Reply) -> None:
    judged, meter, *_ = judge_with(lambda request, number: reply if number == 0 else answering(verdict_of(False)))
    assert (judged["satisfied"], judged["critic"], meter.calls) == (False, "openai:x", 2)
    assert any(told in meter.notes[0] for told in ("answer 1 does not fit", "length limit"))


def test_captions_and_rankings_are_not_taken_out_of_thoughts_either() -> None:
    thought = json.dumps({"rankings": [{"caption": 1, "best": [1]}]})
    said = json.dumps({"rankings": [{"caption": 1, "best": [2]}]})
    pictures = [[Image.new("RGB", (9, 9)), Image.new("RGB", (9, 9))]]
    worded = [json.dumps({"concepts": [{"concept": "owl", "captions": [each]}]}) for each in ("a draft", "a barn owl")]
    with serving([Reply(f"<think>{thought}</think>{said}"), Reply(f"{worded[0]} Better: {worded[1]}")]) as server:
        assert VlmReranker(connect(server.name)).rerank(["an owl"], pictures, []) == [[1]]
        writer = VlmWriter(connect(server.name), RuleWriter())
        assert writer.captions("an owl", ["owl"], 1) == {"owl": ["a barn owl"]}
