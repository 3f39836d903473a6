"""Canaries in every setting and input: no output that leaves the machine, or is meant to be shared, has one.

What the machine's own user is shown, on standard output and error, names his folders, but no key.
"""

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from imagerag.cli.main import run
from imagerag.server.service import Service
from imagerag.settings import load_settings
from testing.canaries import (
    ALL,
    ARGUMENT,
    FILE,
    PLACE,
    SECRETS,
    files_in,
    found_in,
    settings_file,
    variables,
    with_login,
)
from testing.certificates import certified
from testing.openai_server import Reply, serving
from testing.remote_servers import images_server
from testing.servers import Served
from testing.user_pictures import save_picture

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
MOUNTED = f"env SECRET={ARGUMENT} PYTHONPATH={ROOT} {sys.executable} -m testing.mcp_server stdio"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which everything lies, with the variables set and pictures of one's own in it."""
    for name in [name for name in os.environ if name.startswith("IMAGERAG_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / PLACE
    for name, value in variables(folder).items():
        monkeypatch.setenv(name, value)
    save_picture(folder / "pictures", f"{FILE}.png", "owl")
    save_picture(folder / "pictures", "my cat.png", "cat")
    (folder / "pictures" / "captions.json").write_text(json.dumps({f"{FILE}.png": "an owl of ours"}))
    return folder


def values(place: Path, generator: str, vlm: str) -> dict[str, Any]:
    """Return what every setting of texts is set to."""
    certificate = certified(place / FILE)
    return {
        "profile": "mine", "generator": generator, "vlm": vlm, "critic": "clip", "device": "cpu", "dtype": "auto",
        "subject": [str(place / "pictures" / "my cat.png")], "thread": "t", "out": str(place / "out"),
        "library": ["bundled", "own"], "lookup_model": "embedded", "chroma": None, "home": str(place / "home"),
        "offer": [f"generator={generator}"],
        "c2pa_cert": str(certificate.certificate), "c2pa_key": str(certificate.key),
        "record": str(place / "shared" / "run.jsonl"), "max_money": None, "licences": ["any"], "facts": [],
        "mcp_server": [MOUNTED] if vlm != "rules" else [],
        "mcp_allow": ["find_pictures"] if vlm != "rules" else [],
    }  # fmt: skip


def search(name: str, k: int = 2) -> Reply:
    return Reply(calls=[("search_references", {"captions": [{"concept": name, "caption": name}], "k": k})])


DRAW = Reply(calls=[("generate", {"prompt": "an owl"})])
REDRAW = Reply(
    calls=[("regenerate_with_references", {"prompt": "an owl in the rain", "reference_ids": ["ref-2", "ref-3"]})]
)
FETCH = Reply(calls=[("find_pictures", {"query": "owl", "for_concept": "owl"})])
WRONG = Reply(calls=[("inspect_image", {"image_id": "image-99"})])


def test_nothing_that_the_command_line_makes_to_be_shared_has_one(
    place: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    shared = place / "shared"
    shared.mkdir()
    assert run(["index", "add", str(place / "pictures"), "--home", str(place / "home")]) == 0
    capfd.readouterr()
    script = [DRAW, FETCH, search("owl"), WRONG, REDRAW, *[Reply("done")] * 9]
    with serving(script) as chat, images_server() as images:
        generator = f"openai:m@{with_login(images.url, query=False)}"
        settings = values(place, generator, f"openai:scripted@{with_login(chat.url, query=False)}")
        config = settings_file(place, settings)
        assert run(["--config", str(config), "--html", str(shared / "page.html"), "--json", "an owl"]) == 0
    printed = capfd.readouterr()
    document = json.loads(printed.out)
    assert len(document["images"]) == 2, repr([step["summary"] for step in document["trace"]])
    assert document["references"]
    assert found_in({"out": printed.out, "err": printed.err, "log": caplog.text}, SECRETS) == []
    assert run(["threads", "export", "t", "--home", str(place / "home"), "--out", str(shared / "export")]) == 0
    capfd.readouterr()
    outputs = files_in(shared) | files_in(place / "out") | {"trace": json.dumps(document["trace"])}
    assert {"page.html", "run.jsonl", "export/conversation.html", "export/conversation.json"} < outputs.keys()
    assert sum(name.endswith(".png") for name in outputs) >= 2
    leaks = found_in(outputs, ALL)
    assert not leaks, "\n".join(leaks)
    assert found_in(files_in(place / "home"), SECRETS) == [], "what others are given of the data directory"
    best = document["image"]
    run(["replay", best])  # refused, since its generator was not said again
    assert found_in(dict(enumerate_outputs(capfd)), SECRETS) == []


def test_nothing_that_an_evaluation_or_a_batch_leaves_has_one(
    place: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Their folders are given to others: the settings and arms in them, the errors of drawings, what was looked up."""
    shared, suite = place / "shared", place / "mine" / "suite.jsonl"
    suite.parent.mkdir()
    shared.mkdir()
    rows = [{"suite": "mine", "retrieval": str(suite.parent)}, {"prompt": "an owl", "images": ["real.png"]}]
    suite.write_text("".join(json.dumps(row) + "\n" for row in rows))
    save_picture(suite.parent, "real.png", "owl")
    script = [DRAW, search("owl"), REDRAW, *[Reply("done")] * 99]
    with serving(script) as chat, images_server() as images:
        settings = values(place, f"openai:m@{with_login(images.url, query=False)}", "rules")
        settings |= {"record": None, "thread": None, "max_money": None}
        settings["vlm"] = f"openai:scripted@{with_login(chat.url, query=False)}"
        settings |= {"mcp_server": [MOUNTED], "mcp_allow": ["find_pictures"]}
        config = settings_file(place, settings)
        gone = with_login("http://127.0.0.1:9/v1", query=False)
        mine = f"mine:generator=openai:m@{gone},critic=clip,library=bundled,own,lookup_model=embedded"
        arms = ["--arm", "base", "--arm", mine]
        words = ["eval", "--suite", str(suite), "--metric", "clip:embedded", "--workers", "1", "--config", str(config)]
        assert run([*words, *arms, "--out", str(shared / "run")]) == 1
        assert run(["eval", "report", str(shared / "run")]) == 0
        (place / "p.csv").write_text(f"prompt,generator\nan owl,\na cat,openai:m@{gone}\n")
        run(["batch", str(place / "p.csv"), "--config", str(config), "--out", str(shared / "batch")])
    printed = dict(enumerate_outputs(capfd))
    assert found_in({**printed, "log": caplog.text}, SECRETS) == []
    outputs = files_in(shared)
    assert {"run/run.json", "run/report.html", "run/drawings.jsonl", "batch/batch.jsonl", "batch/batch.html"} <= {
        *outputs
    }
    leaks = found_in(outputs, ALL)
    assert not leaks, "\n".join(leaks)


def enumerate_outputs(capfd: pytest.CaptureFixture[str]) -> Iterator[tuple[str, str]]:
    printed = capfd.readouterr()
    yield "out", printed.out
    yield "err", printed.err


@pytest.mark.parametrize(
    "broken",
    [
        ["--chroma", with_login("http://127.0.0.1:9")],
        ["--generator", f"openai:m@{with_login('http://127.0.0.1:9/v1')}"],
        ["--generator", f"comfyui:{with_login('http://127.0.0.1:9', query=False)}"],
        ["--vlm", f"openai:m@{with_login('http://127.0.0.1:9/v1')}"],
        [
            "--vlm",
            f"openai:m@{with_login('http://127.0.0.1:9/v1')}",
            "--mcp-server",
            with_login("http://127.0.0.1:9/mcp"),
        ],
    ],
    ids=lambda broken: broken[-2],
)
def test_no_error_of_the_command_line_tells_a_key(
    place: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, broken: list[str]
) -> None:
    more = ["--home", str(place / "home"), "--library", "own", "--max-seconds", "5", "an owl"]
    run([*broken, *more])
    run(["doctor", *broken, "--home", str(place / "home")])
    outputs = {"log": caplog.text, **dict(enumerate_outputs(capfd))}
    assert found_in(outputs, SECRETS) == []


@pytest.fixture
def served(place: Path) -> Iterator[Served]:
    assert run(["index", "add", str(place / "pictures"), "--home", str(place / "home")]) == 0
    plain = values(place, "patchwork", "rules") | {"thread": None, "out": None, "record": None, "subject": []}
    server = Served(Service(load_settings(environ={}, file=settings_file(place, plain))))
    yield server
    server.stop()


def test_no_answer_of_any_door_has_one(served: Served, place: Path, caplog: pytest.LogCaptureFixture) -> None:
    picture = (place / "pictures" / f"{FILE}.png").read_bytes()
    told: dict[str, bytes] = {}

    def ask(method: str, path: str, **content: Any) -> httpx.Response:
        headers = {"authorization": "Bearer someone"}
        answer = httpx.request(method, served.url + path, headers=headers, timeout=120, **content)
        head = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
        told[f"{method} {path} {len(told)}"] = head.encode() + b"\n" + answer.content
        return answer

    draw = {"model": "imagerag", "prompt": "an owl and a cat", "seed": 7, "imagerag": {"thread": "t"}}
    made = ask("POST", "/v1/images/generations", json=draw).json()
    assert "imagerag" in made, made
    ask("POST", "/v1/images/generations", json=draw | {"prompt": "make it red", "response_format": "b64_json"})
    ask("POST", "/v1/images/generations", json=draw | {"stream": True, "imagerag": {"thread": "u"}})
    said = [{"role": "user", "content": "a cat"}]
    for stream in (False, True):
        ask("POST", "/v1/chat/completions", json={"model": "imagerag", "messages": said, "stream": stream})
        ask("POST", "/v1/responses", json={"model": "imagerag", "input": "a cat", "stream": stream})
    sent = {"file": (f"C:\\{PLACE}\\{FILE}/my cat.png", picture)}
    uploaded = ask("POST", "/v1/files", files=sent, data={"purpose": "vision"}).json()
    edit = {"image": (f"/{PLACE}/{FILE}.png", picture)}
    ask("POST", "/v1/images/edits", files=edit, data={"model": "imagerag", "prompt": "with a hat"})
    for path in ("/v1/files", "/v1/models", f"/v1/files/{uploaded['id']}/content", "/web/threads", "/web/threads/t",
                 "/web/threads/t/export", "/health", "/openapi.json", "/", "/nothing"):  # fmt: skip
        ask("GET", path)
    begun = ask("POST", "/web/runs", json={"prompt": "an owl", "thread": "w", "request": "an owl"})
    if "run_id" in begun.text:
        ask("GET", f"/web/runs/{begun.json()['run_id']}/events")
    names = [one["url"].rpartition("/")[2].removesuffix(".png") for one in made["data"] if one.get("url")]
    for name in names:
        for path in ("/images/{}.png", "/web/report/{}", "/web/manifest/{}"):
            assert ask("GET", path.format(name)).status_code == 200
    for entry in (entry for entry in served.service.database.latest(clients(served)[0]) if entry.kind == "image"):
        ask("GET", f"/images/{entry.id}.png?size=64")
    for file in (place / "home" / "images").rglob("*.png"):  # what is asked for is gone, and the answer an error
        file.unlink()
    for name in names:
        for path in ("/images/{}.png", "/web/report/{}", "/web/manifest/{}", "/v1/files/file-{}/content"):
            gone = ask("GET", path.format(name)).json()["error"]
            assert "is gone from" in gone["message"] or "is missing" in gone["message"], gone
    assert found_in(told, ALL) == []
    assert found_in({"log": caplog.text}, SECRETS) == []


def clients(served: Served) -> list[str]:
    return [str(row[0]) for row in served.service.database.file.rows("SELECT DISTINCT client FROM entries")]


def test_no_answer_of_mcp_has_one(served: Served) -> None:
    pytest.importorskip("mcp")
    from mcp import Client, MCPError

    told: dict[str, str] = {}

    async def main() -> None:
        async with Client(f"{served.url}/mcp") as client:

            async def keep(name: str, asked: Any) -> Any:
                try:
                    answer = await asked
                except MCPError as error:
                    told[f"{name} {len(told)}"] = str(error)
                    return None
                told[f"{name} {len(told)}"] = answer.model_dump_json()
                return answer

            thread = {"thread": "t"}
            for name, arguments in (
                ("create_image", {"prompt": "an owl", "seed": 7, **thread}),
                ("search_references", {"captions": [{"concept": "owl", "caption": "an owl of ours"}], **thread}),
                ("inspect_image", {"image_id": "image-1", "concepts": ["owl"], **thread}),
                ("inspect_image", {"image_id": f"/{'x'}/image", "concepts": ["owl"], **thread}),
                ("get_image", {"run_id": "none"}),
            ):
                await keep(name, client.call_tool(name, arguments))
            await keep("tools", client.list_tools())
            await keep("prompts", client.list_prompts())
            listed = await keep("resources", client.list_resources())
            for resource in listed.resources[:6]:
                await keep("read", client.read_resource(str(resource.uri)))
            await keep("read", client.read_resource("imagerag://images/none"))

    asyncio.run(main())
    assert any("image-1" in one for one in told.values())
    assert found_in(told, ALL) == []
