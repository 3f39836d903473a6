"""Chat completions: what is served, refused and named, with the official client."""

import base64
import io
import json
from collections.abc import Callable
from typing import Any

import httpx
import openai
import pytest
from langchain_core.messages import HumanMessage
from langchain_openai import ChatOpenAI
from PIL import Image
from pydantic import SecretStr

from testing.openai_requests import MODEL, addresses, data_url, square, user
from testing.scripted import ScriptedModel
from testing.servers import Gate, Served

TITLE = (
    "### Task:\nGenerate a concise title summarizing the chat history.\n### Output:\n"
    'JSON format: { "title": "your concise title here" }\n'
    "<chat_history>\nUSER: a scarlet ibis in a top hat by the sea\nASSISTANT: ![image-1](http://x/a.png)\n</chat_history>"
)
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}


def drawn(server: Served) -> int:
    return len(server.service.components.generator.requests)


@pytest.mark.parametrize("stream", [True, False])
def test_a_front_ends_own_task_gets_text_and_draws_nothing(serve: Callable[..., Served], stream: bool) -> None:
    server = serve()
    client = server.client()
    if stream:
        pieces = list(client.chat.completions.create(model=MODEL, messages=[user(TITLE)], stream=True))
        text = "".join(piece.choices[0].delta.content or "" for piece in pieces)
        assert pieces[-1].choices[0].finish_reason == "stop"
    else:
        answer = client.chat.completions.create(model=MODEL, messages=[user(TITLE)])
        text = answer.choices[0].message.content
        assert answer.choices[0].finish_reason == "stop"
    assert json.loads(text) == {"title": "A scarlet ibis in a"}
    assert drawn(server) == 0
    assert not server.service.register.under_way()


def test_a_chat_model_that_drives_writes_the_text(serve: Callable[..., Served]) -> None:
    model = ScriptedModel(
        script=['<think>{"title": "no"}</think>\nSure: {"title": "Ibis by the Sea"}'], seen=[], offered=[]
    )
    server = serve(chat_model=model)
    answer = server.client().chat.completions.create(model=MODEL, messages=[user(TITLE)])
    assert json.loads(answer.choices[0].message.content) == {"title": "Ibis by the Sea"}
    assert drawn(server) == 0


def test_the_tokens_of_a_text_are_told(serve: Callable[..., Served]) -> None:
    client = serve(chat_model=ScriptedModel(script=['{"title": "Ibis"}'] * 2, seen=[], offered=[], tokens=40)).client()
    assert client.chat.completions.create(model=MODEL, messages=[user(TITLE)]).usage.total_tokens == 40
    assert client.responses.create(model=MODEL, input=TITLE).usage.total_tokens == 40


def test_a_chat_model_that_does_not_do_as_asked_is_replaced_by_the_rule(serve: Callable[..., Served]) -> None:
    server = serve(chat_model=ScriptedModel(script=["I can't"], seen=[], offered=[]))
    answer = server.client().chat.completions.create(model=MODEL, messages=[user(TITLE)])
    assert json.loads(answer.choices[0].message.content) == {"title": "A scarlet ibis in a"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": [TOOL], "tool_choice": "required"}, "tool_choice"),
        ({"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "look"}}}, "tool_choice"),
        ({"functions": [TOOL["function"]], "function_call": {"name": "look"}}, "function_call"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}},
            "response_format",
        ),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}}, "response_format"),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_what_only_a_text_could_answer_is_refused_by_name_and_not_drawn(
    serve: Callable[..., Served], fields: dict[str, Any], param: str, stream: bool
) -> None:
    server = serve()
    with pytest.raises(openai.BadRequestError) as told:
        server.client().chat.completions.create(model=MODEL, messages=[user("an owl")], stream=stream, **fields)
    assert told.value.param == param
    assert param in str(told.value)
    assert drawn(server) == 0


def test_json_comes_from_a_chat_model_and_fits_its_schema(serve: Callable[..., Served]) -> None:
    schema = {"type": "object", "properties": {"birds": {"type": "integer"}}, "required": ["birds"]}
    wanted: Any = {"type": "json_schema", "json_schema": {"name": "count", "schema": schema, "strict": True}}
    model = ScriptedModel(script=['```json\n{"birds": 2}\n```', '{"birds": "two"}'], seen=[], offered=[])
    server = serve(chat_model=model)
    client = server.client()
    answer = client.chat.completions.create(model=MODEL, messages=[user("count")], response_format=wanted)
    assert json.loads(answer.choices[0].message.content) == {"birds": 2}
    assert json.dumps(schema) in str(model.seen[0][0].content)
    with pytest.raises(openai.BadRequestError, match="'two' is not of type 'integer'"):
        client.chat.completions.create(model=MODEL, messages=[user("count")], response_format=wanted)
    assert drawn(server) == 0


def test_tools_that_may_be_called_are_named_as_not_heeded_and_the_picture_is_drawn(
    serve: Callable[..., Served],
) -> None:
    server = serve()
    told = server.client().chat.completions.with_raw_response.create(
        model=MODEL,
        messages=[{"role": "system", "content": "You are kind."}, user("an owl")],
        tools=[TOOL],
        tool_choice="auto",
        temperature=0.3,
        max_tokens=20,
        user="me",
        extra_body={"min_p": 0.1},
    )
    names = ["tools", "temperature", "max_tokens", "user", "min_p", "messages of role system"]
    about = told.parse().model_extra["imagerag"]
    assert sorted(about["not_heeded"]) == sorted(names)
    assert sorted(told.headers["x-imagerag-not-heeded"].split(", ")) == sorted(names)
    assert drawn(server) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("message", "named"),
    [
        (
            {"role": "assistant", "content": [{"type": "thinking"}]},
            ["message parts of type thinking"],
        ),
        (
            {
                "role": "assistant",
                "content": [{"type": "reasoning"}, {"type": "text", "text": "x"}, {"type": "call"}],
            },
            ["message parts of type reasoning", "message parts of type call"],
        ),
        ({"role": "assistant", "content": [{"type": "output_text", "text": "Drawn."}]}, []),
        (
            {"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]},
            ["message parts of type input_audio"],
        ),
        ({"role": "user", "content": [{"text": "x"}]}, ["message parts without a type"]),
        ({"role": "user", "content": [{"type": "file", "file": {}}]}, []),
    ],
)
def test_parts_of_a_history_are_named_where_they_mean_nothing(
    serve: Callable[..., Served], message: Any, named: list[str]
) -> None:
    server = serve()
    last: Any = {"role": "user", "content": [{"type": "input_text", "text": "an owl by the sea"}]}
    answer = server.client().chat.completions.create(model=MODEL, messages=[message, last])
    assert answer.model_extra["imagerag"]["not_heeded"] == named
    assert server.service.components.generator.requests[-1].prompt.startswith("an owl by the sea")


def test_a_part_that_is_to_be_drawn_has_to_be_understood(serve: Callable[..., Served]) -> None:
    server = serve()
    with pytest.raises(openai.BadRequestError, match="'input_audio' is no type of a part; known are: text") as told:
        server.client().chat.completions.create(model=MODEL, messages=[user("an owl", {"type": "input_audio"})])
    assert told.value.param == "messages.0.content.1.type"
    assert drawn(server) == 0


def test_a_plain_request_names_nothing(serve: Callable[..., Served]) -> None:
    told = (
        serve()
        .client()
        .chat.completions.with_raw_response.create(
            model=MODEL, messages=[user("an owl")], n=1, response_format={"type": "text"}, tool_choice="none", seed=3
        )
    )
    assert "x-imagerag-not-heeded" not in told.headers
    assert told.parse().model_extra["imagerag"]["not_heeded"] == []


@pytest.mark.parametrize("stream", [True, False])
def test_n_gives_as_many_choices_each_with_a_picture_of_its_own(serve: Callable[..., Served], stream: bool) -> None:
    client = serve(scores=[0.85, 0.95, 0.9]).client()
    if stream:
        texts = {0: "", 1: "", 2: ""}
        ends = []
        for piece in client.chat.completions.create(model=MODEL, messages=[user("an owl")], n=3, stream=True, seed=5):
            choice = piece.choices[0]
            texts[choice.index] += choice.delta.content or ""
            ends += [choice.index] if choice.finish_reason else []
        assert sorted(ends) == [0, 1, 2]
        found = [addresses(text)[-1] for text in texts.values()]
    else:
        choices = client.chat.completions.create(model=MODEL, messages=[user("an owl")], n=3, seed=5).choices
        assert [choice.index for choice in choices] == [0, 1, 2]
        found = [addresses(choice.message.content)[-1] for choice in choices]
    pixels = [Image.open(io.BytesIO(httpx.get(one).content)).getpixel((0, 0))[0] for one in found]
    assert pixels == [6, 7, 5]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "drawn_as", "note"),
    [(7, 7, ""), (2**40 + 9, 9, "seed 1099511627785 is drawn as 9"), (-2, 2**32 - 2, "is drawn as 4294967294")],
)
def test_seeds_of_64_bits_are_drawn_and_the_change_is_told(
    serve: Callable[..., Served], seed: int, drawn_as: int, note: str
) -> None:
    server = serve()
    answer = server.client().chat.completions.create(model=MODEL, messages=[user("an owl")], seed=seed)
    assert server.service.components.generator.requests[0].seeds == (drawn_as,)
    notes = answer.model_extra["imagerag"]["notes"]
    assert [text.startswith("seed") for text in notes] == [True] * bool(note)
    assert note in " ".join(notes)
    assert bool(note) == ("Note: " in answer.choices[0].message.content)


def test_seed_minus_one_is_any_seed(serve: Callable[..., Served]) -> None:
    server = serve()
    for _ in range(2):
        server.client().chat.completions.create(model=MODEL, messages=[user("an owl")], seed=-1)
    first, second = server.service.components.generator.requests
    assert first.seeds != second.seeds


@pytest.mark.parametrize("begin", ["", "data:image/png;base64,"])
def test_a_file_can_be_sent_along_in_base64(serve: Callable[..., Served], begin: str) -> None:
    server = serve()
    part = {"type": "file", "file": {"filename": "me.png", "file_data": begin + base64.b64encode(square()).decode()}}
    server.client().chat.completions.create(model=MODEL, messages=[user("an owl", part)])
    assert len(server.service.components.generator.requests[0].references) == 1


def test_an_address_may_stand_alone(serve: Callable[..., Served]) -> None:
    server = serve()
    part = {"type": "image_url", "image_url": data_url(square())["image_url"]["url"]}
    server.client().chat.completions.create(model=MODEL, messages=[user("an owl", part)])
    assert len(server.service.components.generator.requests[0].references) == 1


def test_documents_around_a_request_are_left_out_and_that_is_told(serve: Callable[..., Served]) -> None:
    wrapped = (
        "### Task:\nRespond to the user query using the provided context, incorporating inline citations.\n"
        "### Output:\nClear.\n<context>\n<source id=1>" + "long " * 2000 + "</source>\n</context>\n\nan owl"
    )
    answer = serve().client().chat.completions.create(model=MODEL, messages=[user(wrapped)])
    about = answer.model_extra["imagerag"]
    assert about["prompt"] == "an owl"
    assert "documents sent along are not read" in about["notes"][0]


def test_the_last_piece_of_a_stream_tells_of_the_run(serve: Callable[..., Served]) -> None:
    stream = (
        serve().client().chat.completions.create(model=MODEL, messages=[user("an owl")], stream=True, temperature=1.5)
    )
    last = list(stream)[-1]
    assert last.model_extra["imagerag"]["stop_reason"] == "satisfied"
    assert last.model_extra["imagerag"]["not_heeded"] == ["temperature"]
    assert stream.response.headers["x-imagerag-not-heeded"] == "temperature"


def test_an_overlong_prompt_is_refused_before_the_stream_begins(serve: Callable[..., Served]) -> None:
    with pytest.raises(openai.BadRequestError, match="shorten it to at most 4000") as told:
        serve().client().chat.completions.create(model=MODEL, messages=[user("x" * 4001)], stream=True)
    assert told.value.param == "messages"


@pytest.mark.slow
@pytest.mark.parametrize("streaming", [True, False])
@pytest.mark.parametrize("responses", [True, False])
def test_langchains_chat_model_draws_redraws_and_is_told_what_is_wrong(
    serve: Callable[..., Served], responses: bool, streaming: bool
) -> None:
    server = serve()
    model = ChatOpenAI(
        model=MODEL,
        base_url=server.url + "/v1",
        api_key=SecretStr("me"),
        use_responses_api=responses,
        streaming=streaming,
        max_retries=0,
    )
    first = model.invoke("an owl and a cat")
    assert "the critic is satisfied" in first.text
    assert ("image" in [block["type"] for block in first.content_blocks]) == responses
    again = model.invoke([HumanMessage("an owl and a cat"), first, HumanMessage("now make it red")])
    assert "a red owl and a cat" in again.text
    with pytest.raises(openai.BadRequestError, match="the prompt '' is empty"):
        model.invoke(" ")
    with pytest.raises(openai.BadRequestError, match="this server draws: it calls none"):
        model.bind_tools([TOOL], tool_choice="any").invoke("an owl")
    assert drawn(server) == 2


@pytest.mark.slow
@pytest.mark.parametrize("door", ["chat", "responses", "images"])
def test_a_client_that_closes_its_stream_frees_the_engine(serve: Callable[..., Served], door: str) -> None:
    gate = Gate()
    server = serve(before_step=gate)
    client = server.client()
    begin: dict[str, Callable[[], Any]] = {
        "chat": lambda: client.chat.completions.create(model=MODEL, messages=[user("an owl")], stream=True),
        "responses": lambda: client.responses.create(model=MODEL, input="an owl", stream=True),
        "images": lambda: client.images.generate(model=MODEL, prompt="an owl", stream=True),
    }
    stream = begin[door]()
    assert gate.reached.acquire(timeout=20)
    (run,) = server.service.register.under_way()
    stream.close()
    assert run.job is not None
    assert run.job.cancelled.wait(10)
    gate.open.set()
    assert run.wait(10)
    assert client.images.generate(model=MODEL, prompt="a cat").data


@pytest.mark.parametrize("stream", [False, True])
def test_talk_is_answered_with_the_picture_as_it_stands_and_undo_goes_on_from_it(
    serve: Callable[..., Served], stream: bool
) -> None:
    server = serve(scores=[0.9])
    client = server.client()
    messages: list[Any] = []

    def say(text: str) -> str:
        messages.append(user(text))
        if stream:
            chunks = client.chat.completions.create(model=MODEL, messages=messages, stream=True)
            said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        else:
            said = client.chat.completions.create(model=MODEL, messages=messages).choices[0].message.content or ""
        messages.append({"role": "assistant", "content": said})
        return said

    say("an owl")
    say("make it red")
    before = drawn(server)
    assert "image-2 stays as it is" in say("thanks!").replace("\\", "")
    assert "![image-1" in say("undo")
    assert drawn(server) == before
    assert "a blue owl" in say("make it blue")
