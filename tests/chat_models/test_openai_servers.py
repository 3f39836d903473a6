"""Servers that speak OpenAI's protocol with additions of their own, asked at once and in a stream."""

import json
from typing import Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage

from imagerag.chat_models.openai_servers import ChatOpenAIServer
from imagerag.chat_models.providers import connect
from imagerag.chat_models.reasoning import THOUGHTS
from testing.openai_server import OpenAIServer, Reply, serving

ARGS = {"prompt": "an owl"}


def asked(reply: Reply, stream: bool) -> AIMessage:
    """Return the answer of a server that gives that reply, put together if it came in pieces."""
    with serving([reply]) as server:
        return answer_of(server, stream)


def answer_of(server: OpenAIServer, stream: bool) -> AIMessage:
    model = connect(server.name)
    assert isinstance(model, ChatOpenAIServer)
    if not stream:
        return model.invoke([HumanMessage("draw")])
    whole: Any = None
    for chunk in model.stream([HumanMessage("draw")]):
        whole = chunk if whole is None else whole + chunk
    assert isinstance(whole, AIMessageChunk)
    return whole


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_thoughts_in_a_field_of_their_own_are_kept_apart(field: str, stream: bool) -> None:
    answer = asked(Reply("Done.", extra={field: "I look."}), stream)
    assert (answer.text, answer.additional_kwargs[THOUGHTS]) == ("Done.", "I look.")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("told", [None, "", {"effort": "high"}, 7])
def test_whatever_else_stands_there_is_no_thought(told: Any, stream: bool) -> None:
    answer = asked(Reply("Done.", extra={"reasoning": told}), stream)
    assert (answer.text, THOUGHTS in answer.additional_kwargs) == ("Done.", False)


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
@pytest.mark.parametrize(
    ("arguments", "streamed"),
    [(ARGS, True), (json.dumps(ARGS), True), (json.dumps(json.dumps(ARGS)), False), (None, False), ("", False)],
)
def test_arguments_are_an_object_however_they_came(arguments: Any, streamed: bool) -> None:
    call = {"index": 0, "id": "call_0", "type": "function", "function": {"name": "generate", "arguments": arguments}}
    for stream in (False, True)[: 1 + streamed]:
        answer = asked(Reply(None, extra={"tool_calls": [call]}), stream)
        assert [(made["name"], made["args"]) for made in answer.tool_calls] == [("generate", ARGS if arguments else {})]


@pytest.mark.parametrize("body", [b"{}", b"null", b'{"choices": [{}]}', b'{"choices": [{"message": null}]}'])
def test_what_is_no_answer_is_an_error_of_the_client(body: bytes) -> None:
    with pytest.raises(Exception):  # noqa: B017, PT011 - of whatever kind LangChain makes it
        asked(Reply(body=body), False)
