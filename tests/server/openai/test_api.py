"""The OpenAI API over real sockets, with the official ``openai`` client and with plain requests."""

import io
import json
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import openai
import pytest
from PIL import Image

from imagerag.server.job_queue import JobQueue
from imagerag.server.openai.api import REFUSED
from testing.openai_requests import MODEL, addresses, user
from testing.scripted import STEPS
from testing.servers import Gate, Served


def test_models_are_listed_one_for_each_mode(serve: Callable[..., Served]) -> None:
    client = serve().client()
    names = [model.id for model in client.models.list()]
    assert names[0] == MODEL
    assert "imagerag:lookup_first" in names
    assert client.models.retrieve("imagerag:no_lookup").object == "model"


def test_a_conversation_goes_on_in_its_thread_and_branches_from_what_was_said(serve: Callable[..., Served]) -> None:
    client = serve(scores=[0.9]).client()
    first = client.chat.completions.create(model=MODEL, messages=[user("an owl and a cat")], seed=7)
    said = first.choices[0].message
    assert first.choices[0].finish_reason == "stop"
    assert "image-1 scores 0.90" in said.content
    picture = httpx.get(addresses(said.content)[0])
    assert picture.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(picture.content)).getpixel((0, 0)) == (7, 0, 9)

    history = [user("an owl and a cat"), {"role": "assistant", "content": said.content}]
    second = client.chat.completions.create(model=MODEL, messages=[*history, user("now make it red")])
    about = second.model_extra["imagerag"]
    assert about["prompt"] == "a red owl and a cat"
    assert about["thread"] == first.model_extra["imagerag"]["thread"]
    # The same history with another wish: a branch from the first turn, which knows nothing of the red one.
    third = client.chat.completions.create(model=MODEL, messages=[*history, user("now put it on the moon")])
    assert third.model_extra["imagerag"]["prompt"] == "an owl and a cat on a moon"


def test_a_stream_tells_each_step_and_ends_with_usage(serve: Callable[..., Served]) -> None:
    client = serve(scores=[0.3, 0.9]).client()
    stream = client.chat.completions.create(
        model=MODEL, messages=[user("an owl")], stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text.index("image-1 scores 0.30") < text.index("Found:") < text.index("image-2 scores 0.90")
    assert "the critic is satisfied" in text
    assert len(addresses(text)) == 2
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].usage.total_tokens == 0
    assert not any(chunk.choices[0].delta.tool_calls for chunk in chunks if chunk.choices)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"model": "gpt-9"}, 404, "'gpt-9' is not known; choose one of: imagerag"),
        ({"messages": []}, 400, "messages"),
        ({"messages": [{"role": "system", "content": "x"}]}, 400, "no message of role 'user'"),
        ({"messages": [{"role": "user", "content": "  "}]}, 400, "the prompt '' is empty"),
        ({"messages": [{"role": "user", "content": "x" * 5000}]}, 400, "shorten it"),
        ({"seed": 2**64}, 400, "seed"),
        ({"seed": "seven"}, 400, "seed"),
        ({"n": 11}, 400, "n: Input should be less than or equal to 10"),
        ({"imagerag": {"sead": 7}}, 400, "imagerag.sead"),
        ({"messages": [user("x", {"type": "file", "file": {"filename": "a.png"}})]}, 400, "'file_id' nor 'file_data'"),
        ({"messages": [user("x", {"type": "file", "file": {"file_data": "JVBERi0xLjQ="}})]}, 400, "no image"),
        ({"messages": [user("x", {"type": "file", "file": {"file_data": "no base64!"}})]}, 400, "not a data: URL"),
        ({"audio": {"voice": "alloy", "format": "wav"}}, 400, "not with sound"),
        ({"modalities": ["text", "audio"]}, 400, "not with sound"),
        ({"imagerag": {"mode": "dream"}}, 400, "imagerag.mode"),
        ({"imagerag": {"thread": "../up"}}, 400, "'../up' is not a name"),
        ({"messages": [user("x", {"type": "input_audio"})]}, 400, "input_audio"),
        ({"messages": [user("x", {"type": "image_url", "image_url": {"url": "file:///etc/passwd"}})]}, 400, "address"),
        (
            {"messages": [user("x", {"type": "image_url", "image_url": {"url": "http://127.0.0.1/"}})]},
            400,
            "fetches no",
        ),
        ({"messages": [user("x", {"type": "image_url", "image_url": {"url": "data:x,%%%"}})]}, 400, "no image"),
        ({"messages": [user("x", {"type": "file", "file": {"file_id": "file-1"}})]}, 404, "not a file of yours"),
    ],
)
def test_mistakes_are_answered_in_openais_shape(
    serve: Callable[..., Served], body: dict[str, Any], status: int, says: str
) -> None:
    server = serve()
    request = {"model": MODEL, "messages": [user("an owl")]} | body
    answer = httpx.post(server.url + "/v1/chat/completions", json=request)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert says in error["message"]


@pytest.mark.slow
@pytest.mark.parametrize(("method", "path"), [*REFUSED])
def test_endpoints_that_are_not_served_are_refused_by_name(
    serve: Callable[..., Served], method: str, path: str
) -> None:
    answer = httpx.request(method, serve().url + path, json={"model": MODEL, "prompt": "an owl"})
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "unsupported_endpoint"
    assert answer.json()["error"]["message"].startswith(f"{path} is not served")


def test_the_official_client_is_told_that_no_text_is_completed(serve: Callable[..., Served]) -> None:
    with pytest.raises(openai.NotFoundError, match="/v1/chat/completions"):
        serve().client().completions.create(model=MODEL, prompt="an owl")


def test_a_full_queue_answers_429_and_a_time_and_the_client_comes_back(serve: Callable[..., Served]) -> None:
    gate = Gate()
    server = serve(before_step=gate, job_queue=JobQueue(max_waiting=1))
    held = [threading.Thread(target=lambda key=key: server.client(key).images.generate(prompt="x")) for key in "ab"]
    held[0].start()
    assert gate.reached.acquire(timeout=20)
    held[1].start()
    while server.service.job_queue.waiting() < 1:
        time.sleep(0.01)
    with pytest.raises(openai.RateLimitError) as refused:
        server.client("c").images.generate(model=MODEL, prompt="an owl")
    assert int(refused.value.response.headers["retry-after"]) >= 1
    assert refused.value.code == "server_busy"
    gate.open.set()
    for thread in held:
        thread.join(20)
    assert server.client("c").images.generate(model=MODEL, prompt="an owl").data


@pytest.mark.slow
@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_hangs_up_frees_the_engine_within_one_step(serve: Callable[..., Served], stream: bool) -> None:
    gate = Gate()
    server = serve(before_step=gate)
    body = {"model": MODEL, "messages": [user("an owl")], "stream": stream}
    with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))) as line:
        payload = json.dumps(body).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(payload)}\r\n\r\n"
        line.sendall(head.encode() + payload)
        assert gate.reached.acquire(timeout=20)
    (run,) = server.service.register.under_way()
    assert run.job.cancelled.wait(10)
    gate.open.set()
    assert run.wait(10)
    assert server.service.components.generator.steps_done <= 2
    assert server.client().images.generate(model=MODEL, prompt="a cat").data
    assert server.service.components.generator.steps_done <= 2 + STEPS
