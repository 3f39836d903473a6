"""OpenAI's image endpoints: size, format, number and streaming, with the official client and with curl."""

import base64
import errno
import io
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import openai
import pytest
from PIL import Image

from imagerag.server.uploads import MAX_FIELDS
from imagerag.store.manifest import read_manifest
from testing.openai_requests import MODEL, data_url, square
from testing.scripted import Squares
from testing.servers import Served


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


def test_a_size_is_drawn_for_and_a_follow_up_keeps_it(serve: Callable[..., Served]) -> None:
    server = serve(scores=[0.9])
    client, generator = server.client(), server.service.components.generator
    made = client.images.generate(model=MODEL, prompt="an owl", size="96x64", extra_body={"imagerag": {"thread": "t"}})
    assert str(generator.requests[-1].size) == "96x64"
    assert Image.open(io.BytesIO(httpx.get(made.data[0].url).content)).size == (96, 64)
    client.images.generate(model=MODEL, prompt="now a blue one", extra_body={"imagerag": {"thread": "t"}})
    assert str(generator.requests[-1].size) == "96x64"
    own = {"thread": "t", "size": "2:1"}
    made = client.images.generate(model=MODEL, prompt="now a red one", extra_body={"imagerag": own})
    assert str(generator.requests[-1].size) == "2:1"
    assert made.size == "16x8"
    notes = made.model_extra["imagerag"]["notes"]
    assert "drawn at 16x16 and cropped to 16x8, since 2:1 is asked for" in notes
    with pytest.raises(openai.BadRequestError, match="size 'wide' is not WIDTHxHEIGHT"):
        client.images.generate(model=MODEL, prompt="an owl", extra_body={"imagerag": {"size": "wide"}})


def test_images_are_edited_with_files_sent_along(serve: Callable[..., Served]) -> None:
    server = serve(scores=[0.9])
    client = server.client()
    edited = client.images.edit(model=MODEL, image=[("a.png", square()), ("b.png", square("green"))], prompt="an owl")
    assert edited.data[0].url
    assert len(server.service.components.generator.requests[-1].references) == 2
    with pytest.raises(openai.BadRequestError, match="'squares' can't redraw a part of an image; leave the mask out"):
        client.images.edit(model=MODEL, image=("a.png", square()), mask=("m.png", square()), prompt="an owl")
    with pytest.raises(openai.BadRequestError, match="no image, or damaged"):
        client.images.edit(model=MODEL, image=("a.png", b"not a picture"), prompt="an owl")


class SquaresInParts(Squares):
    redraws_parts = True


@pytest.mark.parametrize("way", ["form", "json", "chat image"])
def test_a_mask_says_what_of_the_first_image_is_drawn_anew(serve: Callable[..., Served], way: str) -> None:
    squares = SquaresInParts()
    server = serve(generator=squares, scores=[0.9])
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 256, (30, 40, 3), dtype=np.uint8))
    mask = Image.new("RGBA", (40, 30), "black")
    mask.paste((0, 0, 0, 0), (0, 0, 20, 30))
    image, marks = png(noise), png(mask)
    client = server.client()
    if way == "form":
        files = [("a.png", image), ("b.png", square())]
        made = client.images.edit(image=files, mask=("m.png", marks), prompt="an owl", response_format="b64_json")
        data = made.data[0].b64_json if made.data else ""
        assert len(squares.requests[-1].references) == 1, "the others are drawn with"
    elif way == "json":
        sent = {"images": [{"image_url": address(image)}], "mask": {"image_url": address(marks)}, "prompt": "an owl"}
        answered = httpx.post(server.url + "/v1/images/edits", json=sent | {"response_format": "b64_json"})
        data = answered.json()["data"][0]["b64_json"]
    else:
        tool: Any = {"type": "image_generation", "input_image_mask": {"image_url": address(marks)}}
        parts: Any = [{"type": "input_text", "text": "an owl"}, {"type": "input_image", "image_url": address(image)}]
        answer = client.responses.create(input=[{"role": "user", "content": parts}], tools=[tool])
        (data,) = (item.result for item in answer.output if item.type == "image_generation_call")
    drawn = np.asarray(opened(str(data)).convert("RGB"))
    assert (drawn[:, 20:] == np.asarray(noise)[:, 20:]).all()
    assert (drawn[:, :20] != np.asarray(noise)[:, :20]).any()
    assert squares.requests[-1].redraw is not None


def png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def address(file: bytes) -> str:
    return str(data_url(file)["image_url"]["url"])


def opened(data: str | bytes) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(data) if isinstance(data, str) else data))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_size_and_format_are_heeded_and_told_truly(serve: Callable[..., Served], kind: Any) -> None:
    client = serve(scores=[0.9]).client()
    made = client.images.generate(
        model=MODEL,
        prompt="an owl",
        size="64x96",
        output_format=kind,
        response_format="b64_json",
        output_compression=50,
    )
    assert made.data is not None
    assert made.data[0].b64_json is not None
    image = opened(made.data[0].b64_json)
    assert (image.format, image.size) == (kind.upper(), (64, 96))
    assert (made.size, made.output_format) == ("64x96", kind)
    named = client.images.generate(model=MODEL, prompt="an owl", size="80x40", output_format=kind)
    assert named.data is not None
    got = httpx.get(str(named.data[0].url))
    assert got.headers["content-type"] == f"image/{kind}"
    assert opened(got.content).size == (80, 40)
    assert opened(got.content).format == kind.upper()


def test_as_many_images_as_asked_for(serve: Callable[..., Served]) -> None:
    made = serve(scores=[0.9]).client().images.generate(model=MODEL, prompt="an owl", n=3, extra_body={"seed": 4})
    assert made.data is not None
    assert len({httpx.get(str(one.url)).content for one in made.data}) == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("size", "9x9", "size '9x9' is not supported; give 'auto' or WIDTHxHEIGHT, each side 16..4096"),
        ("size", "99999x1", "is not supported"),
        ("size", "large", "size 'large' is not supported"),
        ("output_format", "svg", "output_format"),
        ("output_format", "gif", "output_format"),
        ("quality", "ultra", "quality"),
        ("style", "cubist", "style"),
        ("seed", 2**64, "seed"),
        ("prompt", "x" * 4001, "shorten it to at most 4000"),
        ("background", "transparent", "background"),
        ("output_compression", 101, "output_compression"),
        ("partial_images", 4, "partial_images"),
        ("n", 11, "n: Input should be less than or equal to 10"),
        ("response_format", "file", "response_format"),
    ],
)
def test_what_is_not_supported_is_an_error_of_openais_shape(
    serve: Callable[..., Served], field: str, value: Any, says: str
) -> None:
    client = serve().client()
    with pytest.raises(openai.BadRequestError) as told:
        client.images.generate(model=MODEL, prompt="an owl", extra_body={field: value})
    assert says in str(told.value)
    assert told.value.param == field
    assert told.value.type == "invalid_request_error"


@pytest.mark.parametrize("stream", [True, False])
def test_what_changes_nothing_is_named(serve: Callable[..., Served], stream: bool) -> None:
    told = (
        serve()
        .client()
        .images.with_raw_response.generate(
            model=MODEL,
            prompt="an owl",
            quality="hd",
            style="vivid",
            moderation="low",
            user="me",
            response_format="url",
            partial_images=2,
            stream=stream,
            extra_body={"steps": 30, "background": "auto"},
        )
    )
    names = {"quality", "style", "moderation", "user", "steps", "response_format" if stream else "partial_images"}
    assert set(told.headers["x-imagerag-not-heeded"].split(", ")) == names
    answer: Any = list(told.parse())[-1] if stream else told.parse()
    assert set(answer.model_extra["imagerag"]["not_heeded"]) == names


@pytest.mark.parametrize(
    "usual", [{}, {"quality": "auto"}, {"quality": "standard", "background": "opaque", "moderation": "auto"}]
)
def test_usual_fields_name_nothing(serve: Callable[..., Served], usual: dict[str, Any]) -> None:
    told = serve().client().images.with_raw_response.generate(model=MODEL, prompt="an owl", extra_body=usual)
    assert "x-imagerag-not-heeded" not in told.headers


@pytest.mark.slow
@pytest.mark.parametrize("seed", [-1, 2**63, "-1", "18446744073709551615"])
def test_forms_and_json_take_seeds_of_64_bits(serve: Callable[..., Served], seed: Any) -> None:
    server = serve()
    client = server.client()
    client.images.generate(model=MODEL, prompt="an owl", extra_body={"seed": seed})
    client.images.edit(model=MODEL, prompt="an owl", image=("a.png", square()), extra_body={"seed": seed})
    assert all(0 <= one.seeds[0] < 2**32 for one in server.service.components.generator.requests)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["file_id", "image_url"])
def test_edits_are_taken_as_json(serve: Callable[..., Served], kind: str) -> None:
    server = serve()
    client = server.client()
    sources = {
        "file_id": lambda: client.files.create(file=("me.png", square()), purpose="vision").id,
        "image_url": lambda: data_url(square())["image_url"]["url"],
    }
    body: dict[str, Any] = {"model": MODEL, "prompt": "an owl", "images": [{kind: sources[kind]()}] * 2}
    url, headers = server.url + "/v1/images/edits", {"authorization": "Bearer someone"}
    made = httpx.post(url, json=body, headers=headers)
    assert made.status_code == 200
    assert len(server.service.components.generator.requests[-1].references) in (1, 2)
    named = made.json()["data"][0]["url"]
    again = httpx.post(url, json=body | {"images": [{"image_url": named}], "stream": True}, headers=headers)
    assert "event: image_edit.completed" in again.text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fields", "status", "param"),
    [
        ({"images": []}, 400, "images"),
        ({"images": [{}]}, 400, "images"),
        ({"images": None}, 400, "images"),
        ({"images": [{"url": "x"}]}, 400, "images.0.url"),
        ({"images": [{"file_id": "file-0"}]}, 404, "file_id"),
        ({"images": [{"image_url": "http://10.0.0.1/a.png"}]}, 400, "images"),
        ({"images": [{"image_url": "data:,x"}]}, 400, "image"),
        ({"mask": {"file_id": "file-0"}}, 404, "file_id"),
        ({"mask": {"url": "x"}}, 400, "mask.url"),
        ({"mask": {"image_url": "data:,x"}}, 400, "mask"),
        ({"markup": {"image_url": "data:,x"}}, 400, "markup"),
        ({"n": 11}, 400, "n"),
    ],
)
def test_mistakes_in_json_edits_are_named(
    serve: Callable[..., Served], fields: dict[str, Any], status: int, param: str
) -> None:
    body = {"prompt": "an owl", "images": [{"image_url": data_url(square())["image_url"]["url"]}]} | fields
    answer = httpx.post(serve().url + "/v1/images/edits", json=body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param)


def test_jpg_is_jpeg(serve: Callable[..., Served]) -> None:
    made = serve().client().images.generate(model=MODEL, prompt="an owl", extra_body={"output_format": "jpg"})
    assert made.output_format == "jpeg"
    assert made.data is not None
    assert httpx.get(str(made.data[0].url)).headers["content-type"] == "image/jpeg"


def test_a_stream_has_partial_images_and_the_finished_one(serve: Callable[..., Served]) -> None:
    client = serve(scores=[0.3, 0.9]).client()
    events = list(
        client.images.generate(
            model=MODEL, prompt="an owl", stream=True, partial_images=1, size="64x64", output_format="webp"
        )
    )
    assert [event.type for event in events] == ["image_generation.partial_image", "image_generation.completed"]
    for event in events:
        image = opened(event.b64_json)
        assert (image.format, image.size, event.size) == ("WEBP", (64, 64), "64x64")
    assert events[-1].usage.total_tokens == 0
    file = io.BytesIO()
    Image.new("RGB", (30, 30)).save(file, "PNG")
    edited = list(
        client.images.edit(
            model=MODEL, image=("a.png", file.getvalue()), prompt="an owl", stream=True, partial_images=0
        )
    )
    assert [event.type for event in edited] == ["image_edit.completed"]
    assert opened(edited[0].b64_json).size == (16, 16)


def test_a_stream_that_fails_raises_in_the_official_client(serve: Callable[..., Served]) -> None:
    client = serve().client()
    with pytest.raises(openai.APIError, match="the prompt '' is empty"):
        list(client.images.generate(model=MODEL, prompt=" ", stream=True))


def curl(*arguments: str) -> str:
    program = shutil.which("curl")
    if program is None:
        pytest.skip("there is no curl")
    command = [program, "--silent", "--show-error", "--no-buffer", "--noproxy", "*", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout


def posted(url: str, body: dict[str, Any]) -> str:
    return curl(url, "-H", "Content-Type: application/json", "-d", json.dumps(body))


def test_curl_draws_streams_edits_and_is_told_what_is_wrong(serve: Callable[..., Served], tmp_path: Path) -> None:
    base = serve(scores=[0.3, 0.9]).url + "/v1"
    assert json.loads(curl(f"{base}/models"))["data"][0]["id"] == MODEL
    made = json.loads(posted(f"{base}/images/generations", {"prompt": "an owl", "size": "32x32"}))
    curl(made["data"][0]["url"], "-o", str(tmp_path / "got.png"))
    assert Image.open(tmp_path / "got.png").size == (32, 32)

    streamed = posted(f"{base}/images/generations", {"prompt": "an owl", "stream": True, "partial_images": 2})
    names = [line.removeprefix("event: ") for line in streamed.splitlines() if line.startswith("event: ")]
    assert names[-1] == "image_generation.completed"
    assert names[:-1] == ["image_generation.partial_image"] * 2

    asked = {"model": MODEL, "messages": [{"role": "user", "content": "an owl"}]}
    said = json.loads(posted(f"{base}/chat/completions", asked))["choices"][0]["message"]["content"]
    assert "](http://127.0.0.1:" in said
    lines = posted(f"{base}/chat/completions", {**asked, "stream": True}).strip().splitlines()
    assert lines[-1] == "data: [DONE]"

    Image.new("RGB", (30, 30), "red").save(tmp_path / "mine.png")
    edited = json.loads(
        curl(f"{base}/images/edits", "-F", f"image[]=@{tmp_path}/mine.png", "-F", "prompt=an owl", "-F", "n=2")
    )
    assert len(edited["data"]) == 2

    wrong = json.loads(posted(f"{base}/images/generations", {"prompt": "an owl", "size": "big"}))
    assert (wrong["error"]["param"], wrong["error"]["type"]) == ("size", "invalid_request_error")


def edited(server: Served, fields: list[tuple[str, Any]]) -> httpx.Response:
    parts = [(name, value if isinstance(value, tuple) else (None, value)) for name, value in fields]
    return httpx.post(f"{server.url}/v1/images/edits", files=[("prompt", (None, "an owl")), *parts], timeout=60)


PNG = ("a.png", square(), "image/png")
GREEN = ("b.png", square("green"), "image/png")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fields", "references", "named"),
    [
        ([("image[0]", PNG), ("image[1]", GREEN)], 2, []),
        ([("image", data_url(square())["image_url"]["url"])], 1, []),
        ([("image", PNG), ("image[]", data_url(square("blue"))["image_url"]["url"])], 2, []),
        ([("image", PNG), ("image", "")], 1, []),
        ([("image", PNG), ("image2", PNG)], 1, ["image2"]),
        ([("image", PNG), ("image_extra", PNG), ("control", PNG)], 1, ["image_extra", "control"]),
        ([("image", PNG), ("n", ""), ("size", " "), ("model", ""), ("seed", "")], 1, []),
        ([("image", PNG), ("output_compression", "50")], 1, ["output_compression"]),
        ([("image", PNG), ("output_compression", "50"), ("output_format", "webp")], 1, []),
    ],
)
def test_a_forms_fields_are_served_or_named(
    serve: Callable[..., Served], fields: list[tuple[str, Any]], references: int, named: list[str]
) -> None:
    server = serve(scores=[0.9])
    answer = edited(server, fields)
    assert answer.status_code == 200, answer.text
    assert answer.json()["imagerag"]["not_heeded"] == named
    given = server.service.components.generator.requests[-1].references
    assert len([one for one in given if one.kind == "subject"]) == references
    assert answer.headers.get("x-imagerag-not-heeded", "") == ", ".join(named)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ([("image", "a red cat")], "is no address of a picture"),
        ([("image", "file-none")], "is not a file of yours"),
        ([("image", "")], "there is no image"),
        ([("image2", PNG)], "there is no image"),
        ([("image", PNG), ("n", "many")], "n: "),
    ],
)
def test_a_forms_mistakes_are_told(serve: Callable[..., Served], fields: list[tuple[str, Any]], says: str) -> None:
    answer = edited(serve(), fields)
    assert answer.status_code in (400, 404)
    assert says in answer.json()["error"]["message"]


@pytest.mark.parametrize("where", ["images", "threads.sqlite"])
def test_a_full_disk_is_507_wherever_it_strikes_and_tells_no_path(
    serve: Callable[..., Served], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    served = serve(scores=[0.9, 0.9])
    client = served.client()
    client.images.generate(model=MODEL, prompt="an owl")
    if where == "images":

        def full(*_: object, **__: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr("imagerag.store.files.tempfile.mkstemp", full)
    else:
        served.service._saver.conn.execute("PRAGMA max_page_count = 1")
    with pytest.raises(openai.InternalServerError) as caught:
        client.images.generate(model=MODEL, prompt="an owl " * 500)
    assert caught.value.status_code == 507
    assert caught.value.code == "storage_full"
    assert str(tmp_path) not in caught.value.message


def test_a_form_of_too_many_fields_is_refused_before_they_are_read(serve: Callable[..., Served]) -> None:
    fields = {f"f{number}": "1" for number in range(MAX_FIELDS)} | {"prompt": "an owl"}
    answer = httpx.post(serve().url + "/v1/images/edits", data=fields, files={"image": ("a.png", b"x")})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_form")
    assert str(MAX_FIELDS) in answer.json()["error"]["message"]
