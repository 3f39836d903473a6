"""The HTTP door, over real sockets, with the official ``openai`` client and with plain requests."""

import base64
import io
import json
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from PIL import Image

from imagerag.errors import UserError
from imagerag.server.app import listen
from imagerag.server.job_queue import JobQueue
from imagerag.store.manifest import read_manifest
from testing.scripted import STEPS
from testing.servers import TOKENS, Gate, Served, Shelf

MODEL = "imagerag"


def user(text: str, *components: dict[str, Any]) -> Any:
    return {"role": "user", "content": [{"type": "text", "text": text}, *components] if components else text}


def square(colour: str = "red") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(buffer, "PNG")
    return buffer.getvalue()


def data_url(data: bytes) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": "data:image/png;base64," + base64.b64encode(data).decode()}}


def addresses(text: str) -> list[str]:
    return [part.partition(")")[0] for part in text.split("](")[1:]]


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


def test_text_of_others_is_no_markdown_in_the_answer(serve: Callable[..., Served]) -> None:
    client = serve(scores=[0.3, 0.9], index=Shelf("![x](http://evil.test/x.png) <img src=x>")).client()
    answer = client.chat.completions.create(model=MODEL, messages=[user("an owl")])
    text = answer.choices[0].message.content
    assert "evil" in text
    assert "](http://evil" not in text
    assert "<img" not in text


def test_pictures_of_ones_own_are_drawn_with(serve: Callable[..., Served]) -> None:
    server = serve(scores=[0.9])
    client = server.client()
    upload = client.files.create(file=("me.png", square()), purpose="vision")
    for part in (data_url(square("blue")), {"type": "file", "file": {"file_id": upload.id}}):
        client.chat.completions.create(model=MODEL, messages=[user("an owl like this", part)])
        request = server.service.components.generator.requests[-1]
        assert [reference.kind for reference in request.references] == ["subject"]
        assert request.references[0].image.size == (40, 30)


def test_images_are_generated_as_addresses_or_bytes_best_first(serve: Callable[..., Served]) -> None:
    client = serve(scores=[0.2, 0.9, 0.5]).client()
    made = client.images.generate(
        model=MODEL, prompt="an owl", n=2, size="1024x1024", extra_body={"seed": 5, "imagerag": {"n": 3}}
    )
    assert [Image.open(io.BytesIO(httpx.get(one.url).content)).getpixel((0, 0))[0] for one in made.data] == [6, 7]
    assert made.model_extra["imagerag"]["stop_reason"] == "satisfied"
    assert made.size == "1024x1024"
    again = client.images.generate(model=MODEL, prompt="an owl", response_format="b64_json")
    data = base64.b64decode(again.data[0].b64_json)
    assert Image.open(io.BytesIO(data)).size == (16, 16)
    assert again.size == "16x16"


def test_what_is_downloaded_carries_its_manifest_without_this_machines_paths(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    client = serve(scores=[0.3, 0.9]).client()
    made = client.images.generate(model=MODEL, prompt="an owl", extra_body={"seed": 9})
    file = tmp_path / "got.png"
    file.write_bytes(httpx.get(made.data[0].url).content)
    manifest = read_manifest(file)
    assert (manifest.seed, len(manifest.references)) == (9, 2)
    assert str(tmp_path) not in manifest.text()
    assert "/server/side" not in manifest.text()
    assert str(tmp_path) not in json.dumps(made.model_extra)


def test_images_are_edited_with_files_sent_along(serve: Callable[..., Served]) -> None:
    server = serve(scores=[0.9])
    client = server.client()
    edited = client.images.edit(model=MODEL, image=[("a.png", square()), ("b.png", square("green"))], prompt="an owl")
    assert edited.data[0].url
    assert len(server.service.components.generator.requests[-1].references) == 2
    with pytest.raises(openai.BadRequestError, match="mask is not supported"):
        client.images.edit(model=MODEL, image=("a.png", square()), mask=("m.png", square()), prompt="an owl")
    with pytest.raises(openai.BadRequestError, match="no image, or damaged"):
        client.images.edit(model=MODEL, image=("a.png", b"not a picture"), prompt="an owl")


def test_files_can_be_sent_listed_read_and_deleted(serve: Callable[..., Served]) -> None:
    client = serve().client()
    sent = client.files.create(file=("../../me.png", square()), purpose="vision")
    assert (sent.filename, sent.purpose) == ("me.png", "vision")
    made = client.images.generate(model=MODEL, prompt="an owl")
    listed = {file.id: file for file in client.files.list()}
    assert len(listed) == 2
    assert made.data[0].url.rpartition("/")[2].removesuffix(".png") in {name.removeprefix("file-") for name in listed}
    assert Image.open(io.BytesIO(client.files.content(sent.id).read())).size == (40, 30)
    assert client.files.delete(sent.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(sent.id)


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"model": "gpt-9"}, 404, "'gpt-9' is not known; choose one of: imagerag"),
        ({"messages": []}, 400, "messages"),
        ({"messages": [{"role": "system", "content": "x"}]}, 400, "no message of role 'user'"),
        ({"messages": [{"role": "user", "content": "  "}]}, 400, "the prompt '' is empty"),
        ({"messages": [{"role": "user", "content": "x" * 5000}]}, 400, "shorten it"),
        ({"seed": -1}, 400, "seed"),
        ({"n": 2}, 400, "n: Input should be 1"),
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


def test_bytes_that_are_no_json_and_pages_that_are_not_there(serve: Callable[..., Served]) -> None:
    url = serve().url
    assert httpx.post(url + "/v1/chat/completions", content=b"\xff{").json()["error"]["code"] == "invalid_json"
    assert httpx.get(url + "/v1/nothing").json()["error"]["code"] == "not_found"
    assert httpx.get(url + "/v1/chat/completions").json()["error"]["code"] == "method_not_allowed"
    assert httpx.get(url + "/images/" + "0" * 32 + ".png").status_code == 404


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
    (run,) = server.service.register._runs.values()
    assert run.job.cancelled.wait(10)
    gate.open.set()
    assert run.wait(10)
    assert server.service.components.generator.steps_done <= 2
    assert server.client().images.generate(model=MODEL, prompt="a cat").data
    assert server.service.components.generator.steps_done <= 2 + STEPS


def test_who_comes_without_a_key_is_shown_no_list_and_reaches_by_id_what_is_his(serve: Callable[..., Served]) -> None:
    server = serve(scores=[0.9])
    made = httpx.post(f"{server.url}/v1/images/generations", json={"model": MODEL, "prompt": "an owl"}, timeout=30)
    address = made.json()["data"][0]["url"]
    assert httpx.get(address).headers["content-type"] == "image/png"
    assert httpx.get(f"{server.url}/v1/files").json()["data"] == []
    assert len(list(server.client("a key of his own").files.list())) == 0
    sent = httpx.post(f"{server.url}/v1/files", files={"file": ("a.png", square())}, data={"purpose": "vision"}).json()
    assert httpx.get(f"{server.url}/v1/files/{sent['id']}").json()["id"] == sent["id"]


def test_one_clients_files_and_threads_are_not_anothers(serve: Callable[..., Served]) -> None:
    server = serve(scores=[0.9])
    mine, other = server.client("mine"), server.client("other")
    sent = mine.files.create(file=("me.png", square()), purpose="vision")
    made = mine.images.generate(model=MODEL, prompt="an owl", extra_body={"imagerag": {"thread": "sea"}})
    ours = "file-" + made.data[0].url.rpartition("/")[2].removesuffix(".png")
    for file_id in (sent.id, ours):
        for call in (other.files.retrieve, other.files.content, other.files.delete):
            with pytest.raises(openai.NotFoundError):
                call(file_id)
        part = {"type": "file", "file": {"file_id": file_id}}
        with pytest.raises(openai.NotFoundError):
            other.chat.completions.create(model=MODEL, messages=[user("an owl", part)])
    assert list(other.files.list()) == []
    # The same name of a thread is another thread, and another's image in a history leads nowhere.
    with pytest.raises(openai.BadRequestError, match="this thread has none"):
        other.images.generate(model=MODEL, prompt="make it red", extra_body={"imagerag": {"thread": "sea"}})
    history = [user("a cat"), {"role": "assistant", "content": f"![image-1: x]({made.data[0].url})"}]
    answer = other.chat.completions.create(model=MODEL, messages=[*history, user("make it red")])
    assert answer.model_extra["imagerag"]["prompt"] == "a red cat"


def test_with_tokens_only_those_come_in(serve: Callable[..., Served]) -> None:
    server = serve({"tokens": TOKENS, "loopback": False})
    for key in (TOKENS[0][:-1], TOKENS[0] + "x", "nonsense"):
        with pytest.raises(openai.AuthenticationError, match="no valid token"):
            server.client(key).models.list()
    refused = httpx.get(server.url + "/v1/models")
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert httpx.post(server.url + "/mcp", json={}).status_code == 401
    made = server.client(TOKENS[1]).images.generate(model=MODEL, prompt="an owl")
    assert httpx.get(made.data[0].url).status_code == 200
    assert list(server.client(TOKENS[0]).files.list()) == []


def test_pages_of_other_origins_and_names_that_are_not_this_machines_are_refused(serve: Callable[..., Served]) -> None:
    url = serve().url + "/v1/models"
    assert httpx.get(url, headers={"host": "rebound.test"}).status_code == 421
    assert httpx.get(url, headers={"origin": "https://elsewhere.test"}).status_code == 403
    assert httpx.get(url, headers={"origin": "null"}).status_code == 403
    assert httpx.get(url, headers={"origin": url.removesuffix("/v1/models")}).status_code == 200


def test_behind_a_proxy_its_name_is_known_and_a_token_is_needed(serve: Callable[..., Served]) -> None:
    server = serve({"tokens": TOKENS, "public_url": "https://draw.test"})
    headers = {"host": "draw.test", "origin": "https://draw.test", "authorization": f"Bearer {TOKENS[0]}"}
    assert httpx.get(server.url + "/v1/models", headers=headers).status_code == 200
    headers |= {"origin": "https://elsewhere.test"}
    assert httpx.get(server.url + "/v1/models", headers=headers).status_code == 403
    made = server.client(TOKENS[0]).images.generate(model=MODEL, prompt="an owl")
    assert made.data[0].url.startswith("https://draw.test/images/")
    for host, public_url in (("0.0.0.0", None), ("127.0.0.1", "https://draw.test"), ("127.0.0.1", "draw.test")):
        with pytest.raises(UserError, match=r"others can reach|can be reached by others|is no address"):
            listen(host, 0, (), public_url)


def test_a_body_that_is_too_large_is_refused_however_it_is_sent(serve: Callable[..., Served]) -> None:
    url = serve({"max_body": 10_000}).url + "/v1/chat/completions"
    assert httpx.post(url, content=b"x" * 10_001).status_code == 413
    pieces = (b"x" * 1000 for _ in range(50))
    assert httpx.post(url, content=pieces).json()["error"]["code"] == "request_too_large"
