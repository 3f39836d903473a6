"""``/v1/responses`` with the official client: draw, redraw, stream, fail, cancel, ask again, delete."""

import asyncio
import base64
import io
import json
import socket
from collections.abc import Callable
from typing import Any

import httpx
import openai
import pytest
from openai.types.responses import Response
from PIL import Image

from imagerag.server.job_queue import JobQueue
from testing.openai_requests import MODEL, addresses, data_url, square
from testing.scripted import STEPS, ScriptedModel
from testing.servers import Gate, Served

DRAWN = [
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.image_generation_call.in_progress",
    "response.image_generation_call.generating",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.image_generation_call.completed",
    "response.output_item.done",
    "response.completed",
]


def picture(answer: Response) -> Image.Image:
    (call,) = (item for item in answer.output if item.type == "image_generation_call")
    assert call.status == "completed"
    return Image.open(io.BytesIO(base64.b64decode(call.result)))


def about(answer: Response) -> Any:
    assert answer.model_extra is not None
    return answer.model_extra["imagerag"]


def drawn(server: Served) -> int:
    return len(server.service.components.generator.requests)


@pytest.mark.slow
@pytest.mark.parametrize(
    "asked",
    [
        "an owl",
        [{"role": "user", "content": "an owl"}],
        [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "an owl"}]}],
        [{"role": "developer", "content": "be kind"}, {"role": "user", "content": "an owl"}],
    ],
)
def test_a_response_has_the_picture_and_the_words(serve: Callable[..., Served], asked: Any) -> None:
    answer = serve().client().responses.create(model=MODEL, input=asked, extra_body={"seed": 7})
    assert (answer.status, answer.object, answer.error) == ("completed", "response", None)
    assert [item.type for item in answer.output] == ["image_generation_call", "message"]
    assert picture(answer).getpixel((0, 0)) == (7, 0, 9)
    assert "the critic is satisfied" in answer.output_text
    assert httpx.get(addresses(answer.output_text)[0]).headers["content-type"] == "image/png"
    assert about(answer)["prompt"] == "an owl"
    assert answer.usage is not None
    assert answer.usage.total_tokens == 0


def test_a_stream_has_every_event_that_the_client_parses_in_order(serve: Callable[..., Served]) -> None:
    client = serve(scores=[0.3, 0.9]).client()
    tool: Any = {"type": "image_generation", "partial_images": 1, "size": "64x64", "output_format": "webp"}
    events = list(client.responses.create(model=MODEL, input="an owl", stream=True, tools=[tool]))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    kinds = [event.type for event in events]
    middle = {"response.output_text.delta", "response.image_generation_call.partial_image"}
    begun = ["response.output_item.added", "response.content_part.added"]
    plain = [kind for kind in kinds if kind not in middle]
    assert plain == [*DRAWN[:5], *begun, *DRAWN[5:]]
    assert kinds.count("response.image_generation_call.partial_image") == 1
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text.index("image-1 scores 0.30") < text.index("image-2 scores 0.90")
    (partial,) = (event for event in events if event.type == "response.image_generation_call.partial_image")
    shown = Image.open(io.BytesIO(base64.b64decode(partial.partial_image_b64)))
    assert (shown.format, shown.size) == ("WEBP", (64, 64))
    last = events[-1]
    assert last.type == "response.completed"
    assert last.response.output_text == text
    assert (picture(last.response).format, picture(last.response).size) == ("WEBP", (64, 64))
    done = [event.item for event in events if event.type == "response.output_item.done"]
    assert done[::-1] == last.response.output


def test_the_clients_own_accumulation_gives_the_same_response(serve: Callable[..., Served]) -> None:
    client = serve(scores=[0.3, 0.9]).client()
    with client.responses.stream(model=MODEL, input="an owl") as stream:
        texts = [event.snapshot for event in stream if event.type == "response.output_text.delta"]
        final = stream.get_final_response()
    assert final.output_text == texts[-1]
    assert final.output[0].type == "image_generation_call"


def test_an_async_client_draws_too(serve: Callable[..., Served]) -> None:
    server = serve()

    async def ask() -> Response:
        async with openai.AsyncOpenAI(base_url=server.url + "/v1", api_key="a") as client:
            return await client.responses.create(model=MODEL, input="an owl")

    assert asyncio.run(ask()).status == "completed"


def test_previous_response_id_goes_on_in_the_thread_and_branches(serve: Callable[..., Served]) -> None:
    client = serve().client()
    first = client.responses.create(model=MODEL, input="an owl and a cat")
    red = client.responses.create(model=MODEL, input="now make it red", previous_response_id=first.id)
    assert about(red)["prompt"] == "a red owl and a cat"
    assert about(red)["thread"] == about(first)["thread"]
    assert red.previous_response_id == first.id
    moon = client.responses.create(model=MODEL, input="now put it on the moon", previous_response_id=first.id)
    assert about(moon)["prompt"] == "an owl and a cat on a moon"


def items_of(answer: Response) -> list[Any]:
    return [item.model_dump(exclude_none=True) for item in answer.output]


def picture_alone(answer: Response) -> list[Any]:
    return [{"type": "image_generation_call", "id": answer.output[0].id}]


def references(answer: Response) -> list[Any]:
    return [{"type": "item_reference", "id": answer.output[1].id}]


def bare_reference(answer: Response) -> list[Any]:
    return [{"id": answer.output[0].id}]


def words_alone(answer: Response) -> list[Any]:
    return [{"role": "assistant", "content": [{"type": "output_text", "text": answer.output_text}]}]


@pytest.mark.slow
@pytest.mark.parametrize("again", [items_of, picture_alone, references, bare_reference, words_alone])
@pytest.mark.parametrize("store", [True, False])
def test_a_client_that_sends_items_back_goes_on_in_the_thread(
    serve: Callable[..., Served], again: Callable[[Response], list[Any]], store: bool
) -> None:
    client = serve().client()
    said: list[Any] = [{"role": "user", "content": "an owl and a cat"}]
    first = client.responses.create(model=MODEL, input=said, store=store)
    said += [*again(first), {"role": "user", "content": "now make it red"}]
    second = client.responses.create(model=MODEL, input=said, store=store)
    assert about(second)["prompt"] == "a red owl and a cat"
    assert about(second)["thread"] == about(first)["thread"]


@pytest.mark.slow
def test_chat_and_responses_go_on_in_each_others_threads(serve: Callable[..., Served]) -> None:
    client = serve().client()
    first = client.responses.create(model=MODEL, input="an owl and a cat")
    said: list[Any] = [
        {"role": "user", "content": "an owl and a cat"},
        {"role": "assistant", "content": first.output_text},
        {"role": "user", "content": "now make it red"},
    ]
    second = client.chat.completions.create(model=MODEL, messages=said)
    assert second.model_extra["imagerag"]["thread"] == about(first)["thread"]


def own_picture(kind: str, client: openai.OpenAI) -> dict[str, Any]:
    url = data_url(square())["image_url"]["url"]
    match kind:
        case "image_url":
            return {"type": "input_image", "image_url": url, "detail": "auto"}
        case "file_data":
            return {"type": "input_file", "filename": "me.png", "file_data": url}
        case "plain_data":
            return {"type": "input_file", "filename": "me.png", "file_data": url.partition(",")[2]}
    made = client.files.create(file=("me.png", square()), purpose="vision")
    return {"type": "input_image" if kind == "file_id" else "input_file", "file_id": made.id}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["image_url", "file_data", "plain_data", "file_id", "file_id_as_file"])
def test_pictures_of_ones_own_are_drawn_with(serve: Callable[..., Served], kind: str) -> None:
    server = serve()
    client = server.client()
    content: Any = [{"type": "input_text", "text": "an owl"}, own_picture(kind, client)]
    client.responses.create(model=MODEL, input=[{"role": "user", "content": content}])
    assert len(server.service.components.generator.requests[0].references) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fields", "status", "param", "says"),
    [
        ({"model": "gpt-9"}, 404, "model", "choose one of: imagerag"),
        ({"input": " "}, 400, "input", "the prompt '' is empty"),
        ({"input": "x" * 5000}, 400, "input", "shorten it"),
        ({"input": []}, 400, "input", "no message of role 'user'"),
        ({"input": 3}, 400, "input", "3"),
        ({"input": ["x"]}, 400, "input.0", "'x'"),
        ({"input": [{"role": "user", "content": "x"}, {"role": "user"}]}, 400, "input.1.content", "Field required"),
        ({"tools": [3]}, 400, "tools.0", "3"),
        ({"input": [{"role": "clown", "content": "x"}]}, 400, "input.0.role", "clown"),
        ({"input": [{"role": "user", "content": [{"type": "input_audio"}]}]}, 400, "input.0.content.0", "input_audio"),
        ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, 400, "input", "'file_id' or 'image_url'"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, 400, "input", "'msg_1' is not one of yours"),
        ({"previous_response_id": "resp_1"}, 400, "previous_response_id", "'resp_1' is not one of yours"),
        ({"background": True, "store": False}, 400, "store", "leave store out"),
        ({"conversation": "conv_1"}, 400, "conversation", "previous_response_id"),
        ({"prompt": {"id": "pmpt_1"}}, 400, "prompt", "send 'input'"),
        ({"tools": [{"type": "function", "name": "f"}], "tool_choice": "required"}, 400, "tool_choice", "'required'"),
        ({"tool_choice": {"type": "function", "name": "f"}}, 400, "tool_choice", "calls none"),
        (
            {
                "tool_choice": {
                    "type": "allowed_tools",
                    "mode": "required",
                    "tools": [{"type": "function", "name": "f"}],
                }
            },
            400,
            "tool_choice",
            "calls none",
        ),
        ({"text": {"format": {"type": "json_object"}}}, 400, "text.format", "name a chat model with --vlm"),
        ({"text": {"format": {"type": "json_schema", "name": "x"}}}, 400, "text.format", "holds no schema"),
        ({"tools": [{"type": "image_generation"}], "tool_choice": "none"}, 400, "tool_choice", "asks for a text"),
        ({"tools": [{"type": "image_generation", "size": "9x9"}]}, 400, "size", "each side 16..4096"),
        (
            {"tools": [{"type": "image_generation", "output_format": "svg"}]},
            400,
            "tools.0.output_format",
            "svg",
        ),
        (
            {"tools": [{"type": "image_generation", "background": "transparent"}]},
            400,
            "tools.0.background",
            "transparent",
        ),
        (
            {"tools": [{"type": "image_generation", "input_image_mask": {"file_id": "file-1"}}]},
            404,
            "file_id",
            "is not a file of yours",
        ),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_mistakes_are_told_by_name_and_nothing_is_drawn(
    serve: Callable[..., Served], fields: dict[str, Any], status: int, param: str, says: str, stream: bool
) -> None:
    server = serve()
    body = {"model": MODEL, "input": "an owl", "stream": stream} | fields
    answer = httpx.post(server.url + "/v1/responses", json=body)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert error["param"] == param
    assert says in error["message"]
    assert drawn(server) == 0


def test_a_run_that_fails_raises_in_the_client_streamed_or_not(serve: Callable[..., Served]) -> None:
    class Broken:
        name, revision, max_references, makes = "broken", "1", 3, "pictograms"

        def draw(self, *asked: Any) -> Any:
            raise RuntimeError("no paint")

    client = serve(generator=Broken()).client()
    with pytest.raises(openai.InternalServerError):
        client.responses.create(model=MODEL, input="an owl")
    stream = client.responses.create(model=MODEL, input="an owl", stream=True)
    with pytest.raises(openai.APIError, match="the server failed"):
        list(stream)
    body = {"model": MODEL, "input": "an owl", "stream": True}
    raw = httpx.post(str(client.base_url) + "responses", json=body).text
    names = [line.removeprefix("event: ") for line in raw.splitlines() if line.startswith("event: ")]
    assert names[-2:] == ["error", "response.failed"]
    assert "response.completed" not in names


def test_a_stored_response_is_asked_for_again_with_its_picture(serve: Callable[..., Served]) -> None:
    client = serve().client()
    tool: Any = {"type": "image_generation", "output_format": "jpg", "size": "32x48"}
    first = client.responses.create(model=MODEL, input="an owl", tools=[tool], metadata={"of": "me"})
    again = client.responses.retrieve(first.id)
    assert again == first
    assert (picture(again).format, picture(again).size) == ("JPEG", (32, 48))
    assert again.metadata == {"of": "me"}
    client.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError, match="not one of yours"):
        client.responses.retrieve(first.id)


def test_a_response_is_its_clients_alone(serve: Callable[..., Served]) -> None:
    server = serve()
    mine = server.client("me-and-nobody-else").responses.create(model=MODEL, input="an owl")
    other = server.client("somebody-else-indeed")
    with pytest.raises(openai.NotFoundError):
        other.responses.retrieve(mine.id)
    with pytest.raises(openai.NotFoundError):
        other.responses.delete(mine.id)
    with pytest.raises(openai.BadRequestError):
        other.responses.create(model=MODEL, input="now make it red", previous_response_id=mine.id)


@pytest.mark.slow
def test_what_is_not_to_be_stored_is_not_shown_again(serve: Callable[..., Served]) -> None:
    server = serve()
    client = server.client()
    made = client.responses.create(model=MODEL, input="an owl", store=False)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(made.id)
    client_name = server.service.database.find(addresses(made.output_text)[0][-36:-4])
    assert client_name is not None
    row = server.service.database.response(made.id, client_name.client)
    assert row is not None
    assert row.body == {}
    with pytest.raises(openai.BadRequestError, match="send the conversation instead"):
        client.responses.create(model=MODEL, input="make it red", previous_response_id=made.id)


def test_a_response_in_the_background_is_polled(serve: Callable[..., Served]) -> None:
    gate = Gate()
    client = serve(before_step=gate).client()
    begun = client.responses.create(model=MODEL, input="an owl", background=True)
    assert begun.status in ("queued", "in_progress")
    assert gate.reached.acquire(timeout=20)
    assert client.responses.retrieve(begun.id).status == "in_progress"
    gate.open.set()
    for _ in range(1000):
        if (now := client.responses.retrieve(begun.id)).status == "completed":
            break
    assert picture(now).size == (16, 16)


def test_a_response_in_the_background_is_cancelled(serve: Callable[..., Served]) -> None:
    gate = Gate()
    server = serve(before_step=gate, job_queue=JobQueue())
    client = server.client()
    running = client.responses.create(model=MODEL, input="an owl", background=True)
    assert gate.reached.acquire(timeout=20)
    waiting = client.responses.create(model=MODEL, input="a cat", background=True)
    assert client.responses.retrieve(waiting.id).status == "queued"
    assert client.responses.cancel(waiting.id).status == "cancelled"
    (run,) = server.service.register.under_way()
    assert run.job is not None

    # The cancel waits for the step at hand, which the gate holds back until then.
    async def cancel_and_open() -> httpx.Response:
        async with httpx.AsyncClient(headers={"authorization": "Bearer someone"}, timeout=30) as web:
            ending = asyncio.create_task(web.post(f"{server.url}/v1/responses/{running.id}/cancel"))
            while not run.job.cancelled.is_set():
                await asyncio.sleep(0.01)
            gate.open.set()
            return await ending

    ended = asyncio.run(cancel_and_open()).json()
    assert ended["status"] == "cancelled"
    assert client.responses.cancel(running.id).status == "cancelled"
    assert server.service.components.generator.steps_done < STEPS


def test_only_a_response_in_the_background_is_cancelled_by_its_id(serve: Callable[..., Served]) -> None:
    client = serve().client()
    made = client.responses.create(model=MODEL, input="an owl")
    with pytest.raises(openai.BadRequestError, match="background=true"):
        client.responses.cancel(made.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.cancel("resp_none")


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_hangs_up_frees_the_engine(serve: Callable[..., Served], stream: bool) -> None:
    gate = Gate()
    server = serve(before_step=gate)
    body = json.dumps({"model": MODEL, "input": "an owl", "stream": stream}).encode()
    with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))) as line:
        head = f"POST /v1/responses HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n"
        line.sendall(head.encode() + body)
        assert gate.reached.acquire(timeout=20)
    (run,) = server.service.register.under_way()
    assert run.job is not None
    assert run.job.cancelled.wait(10)
    gate.open.set()
    assert run.wait(10)


def test_a_response_that_a_server_left_unfinished_is_told_as_failed(serve: Callable[..., Served]) -> None:
    gate = Gate()
    server = serve(before_step=gate)
    client = server.client()
    begun = client.responses.create(model=MODEL, input="an owl", background=True)
    assert gate.reached.acquire(timeout=20)
    (run,) = server.service.register.under_way()
    row = server.service.database.response(begun.id, run.client)
    assert row is not None
    server.service.database.forget_response(row.id, row.client)
    server.service.database.keep_response(type(row)(**{**vars(row), "run": "of-another-process"}))
    lost = client.responses.retrieve(begun.id)
    assert lost.status == "failed"
    assert lost.error is not None
    assert "create it again" in lost.error.message
    gate.open.set()


def test_what_is_not_heeded_is_named(serve: Callable[..., Served]) -> None:
    told = (
        serve()
        .client()
        .responses.with_raw_response.create(
            model=MODEL,
            input=[
                {"role": "system", "content": "be kind"},
                {"role": "user", "content": "an owl"},
                {"type": "function_call_output", "call_id": "c", "output": "x"},
            ],
            instructions="You are a painter.",
            temperature=0.2,
            max_output_tokens=99,
            reasoning={"effort": "high"},
            include=["reasoning.encrypted_content"],
            tools=[
                {"type": "image_generation", "quality": "high", "model": "gpt-image-2", "partial_images": 2},
                {"type": "function", "name": "f", "parameters": {}, "strict": True},
            ],
        )
    )
    names = {
        "instructions",
        "temperature",
        "max_output_tokens",
        "reasoning",
        "include",
        "tools.image_generation.quality",
        "tools.image_generation.model",
        "tools.image_generation.partial_images",
        "tools.function",
        "messages of role system",
        "input items of type function_call_output",
    }
    assert set(told.headers["x-imagerag-not-heeded"].split(", ")) == names
    assert set(about(told.parse())["not_heeded"]) == names


def test_usual_fields_name_nothing(serve: Callable[..., Served]) -> None:
    told = (
        serve()
        .client()
        .responses.with_raw_response.create(
            model=MODEL,
            input="an owl",
            store=False,
            truncation="auto",
            parallel_tool_calls=True,
            tool_choice={"type": "image_generation"},
            tools=[
                {"type": "image_generation", "quality": "auto", "size": "auto", "background": "auto", "action": "auto"}
            ],
            text={"format": {"type": "text"}},
        )
    )
    assert "x-imagerag-not-heeded" not in told.headers


def test_words_come_from_the_chat_model_that_drives(serve: Callable[..., Served]) -> None:
    wanted: Any = {"format": {"type": "json_schema", "name": "x", "schema": {"type": "object", "required": ["a"]}}}
    model = ScriptedModel(script=['{"a": 1}', "Hello."], seen=[], offered=[])
    server = serve(chat_model=model)
    client = server.client()
    assert json.loads(client.responses.create(model=MODEL, input="a?", text=wanted).output_text) == {"a": 1}
    kinds = []
    tools: Any = [{"type": "image_generation"}]
    for event in client.responses.create(model=MODEL, input="Hi", tools=tools, tool_choice="none", stream=True):
        kinds.append(event.type)
    assert kinds == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert event.response.output_text == "Hello."
    assert drawn(server) == 0


def test_a_front_ends_own_task_gets_text(serve: Callable[..., Served]) -> None:
    server = serve()
    task = '### Task:\nSuggest follow-ups.\n### Output:\n{ "follow_ups": ["1?"] }\n<chat_history>\n</chat_history>'
    answer = server.client().responses.create(model=MODEL, input=task)
    assert [item.type for item in answer.output] == ["message"]
    assert json.loads(answer.output_text)["follow_ups"]
    assert drawn(server) == 0


def test_a_full_queue_answers_429_with_a_time(serve: Callable[..., Served]) -> None:
    gate = Gate()
    server = serve(before_step=gate, job_queue=JobQueue(max_waiting=1))
    client = server.client()
    client.responses.create(model=MODEL, input="x", background=True)
    assert gate.reached.acquire(timeout=20)
    client.responses.create(model=MODEL, input="y", background=True)
    with pytest.raises(openai.RateLimitError) as refused:
        client.responses.create(model=MODEL, input="z")
    assert int(refused.value.response.headers["retry-after"]) >= 1
    gate.open.set()


@pytest.mark.parametrize("stream", [False, True])
def test_talk_is_answered_in_words(serve: Callable[..., Served], stream: bool) -> None:
    client = serve(scores=[0.9]).client()
    first = client.responses.create(model=MODEL, input="an owl")
    given: Any = {"model": MODEL, "input": "what did you draw?", "previous_response_id": first.id}
    if stream:
        (answer,) = [
            one.response for one in client.responses.create(**given, stream=True) if one.type == "response.completed"
        ]
    else:
        answer = client.responses.create(**given)
    assert "an owl" in answer.output_text
    assert picture(answer).tobytes() == picture(first).tobytes()
    assert client.responses.create(model=MODEL, input="hello").status == "completed"
    without = list(client.responses.create(model=MODEL, input="hello", stream=True))
    assert [one.item.status for one in without if one.type == "response.output_item.done"] == ["completed", "failed"]
