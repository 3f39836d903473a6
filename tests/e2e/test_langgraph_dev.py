"""``langgraph dev`` serves the graph by ``langgraph.json``, and LangGraph's own client runs it."""

import base64
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from PIL import Image

from testing.remote_servers import a_png

pytest.importorskip("langgraph_api", reason="pip install 'imagerag[studio]'")
sdk = pytest.importorskip("langgraph_sdk")
pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


HELD = '''
"""Our graph, whose generator notes its steps in the file "steps", and waits before the second for a file "open"."""
import time
from pathlib import Path

from imagerag.graphs.agent_graph import build_graph
from testing.scripted import ScriptedCritic, Squares
from testing.servers import Shelf

HERE = Path(__file__).parent


def hold(step):
    with (HERE / "steps").open("a") as file:
        file.write(f"{step} ")
    while step == 2 and not (HERE / "open").exists():
        time.sleep(0.02)


graph = build_graph(
    generator=Squares(hold), critic=ScriptedCritic([0.9] * 9), index=Shelf(), checkpointer=None, allow_paths=False
)
'''


class Served(NamedTuple):
    """A server and its folder, with its data directory ``home`` and its ``log``."""

    url: str
    folder: Path


@pytest.fixture
def server(served: Served) -> str:
    return served.url


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("server")  # it writes what it remembers beside its settings
    settings = json.loads((ROOT / "langgraph.json").read_text())
    settings["graphs"]["held"] = "./held.py:graph"
    (folder / "langgraph.json").write_text(json.dumps(settings))
    (folder / "held.py").write_text(HELD)
    (folder / "pyproject.toml").symlink_to(ROOT / "pyproject.toml")
    command = [sys.executable, "-m", "langgraph_cli", "dev", "--no-browser", "--no-reload", "--port", str(port)]
    environment = {
        **os.environ,
        "IMAGERAG_HOME": str(folder / "home"),
        "LANGSMITH_TRACING": "false",
        "PYTHONPATH": str(ROOT.resolve()),  # held.py takes its parts from testing/
    }
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                if httpx.get(f"{url}/ok").status_code == 200:
                    break
            except httpx.HTTPError:
                pass
            assert process.poll() is None, (folder / "log").read_text()[-3000:]
            time.sleep(0.2)
        yield Served(url, folder)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def test_a_run_and_its_follow_up(server: str) -> None:
    client = sdk.get_sync_client(url=server)
    assert "imagerag" in {one["graph_id"] for one in client.assistants.search()}
    thread = client.threads.create()["thread_id"]
    first = client.runs.wait(thread, "imagerag", input={"prompt": "an owl"}, context={"seed": 3})
    assert first["image"]["seed"] == 3, first
    assert first["verdict"]["satisfied"]
    second = client.runs.wait(thread, "imagerag", input={"prompt": "make it red"})
    assert second["image"]["prompt"] == "a red owl", second


def test_its_events_are_told_as_they_happen(server: str) -> None:
    client = sdk.get_sync_client(url=server)
    thread = client.threads.create()["thread_id"]
    told: list[Any] = [
        part.data
        for part in client.runs.stream(thread, "imagerag", input={"prompt": "a cat"}, stream_mode=["custom", "updates"])
        if part.event == "custom"
    ]
    assert "images" in {event["event"] for event in told}


def fetched(server: str, address: str) -> Image.Image:
    answer = httpx.get(f"{server}{address}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/png"
    return Image.open(io.BytesIO(answer.content))


def message(text: str, colour: str = "red") -> dict[str, Any]:
    data = base64.b64encode(a_png(colour, 64)).decode()
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
    return {"role": "user", "content": [{"type": "text", "text": text}, picture]}


def test_a_client_gets_pictures_and_no_path_of_the_server(server: str, served: Served) -> None:
    client = sdk.get_sync_client(url=server)
    thread = client.threads.create()["thread_id"]
    told = list(
        client.runs.stream(
            thread,
            "imagerag",
            input={"prompt": "a lobster wearing a kimono"},
            context={"seed": 1, "mode": "lookup_first"},
            stream_mode=["values", "updates", "custom", "messages-tuple", "tasks", "checkpoints", "debug"],
        )
    )
    assert not [part for part in told if part.event == "error"], told
    result = client.threads.get_state(thread)["values"]
    assert fetched(server, result["image"]["url"]).size == (128, 128)
    assert result["references"]
    for reference in result["references"]:
        fetched(server, reference["url"])
    everything = json.dumps([part.data for part in told]) + json.dumps(result)
    assert str(served.folder) not in everything
    assert not re.search(r'"path": "[^"]', everything)
    drawn = httpx.get(f"{server}{result['image']['url']}").content
    assert b"imagerag" in drawn, "the manifest is in the file"
    assert str(served.folder).encode() not in drawn
    assert httpx.get(f"{server}/imagerag/images/{'0' * 64}.png").status_code == 404
    assert httpx.get(f"{server}/imagerag/images/..%2f..%2fetc.png").status_code == 404


def test_a_picture_in_a_message_is_drawn_with(server: str) -> None:
    client = sdk.get_sync_client(url=server)
    thread = client.threads.create()["thread_id"]
    result = client.runs.wait(thread, "imagerag", input={"messages": [message("this in a boat")]})
    assert [reference["kind"] for reference in result["references"]] == ["subject"], result
    assert fetched(server, result["references"][0]["url"]).size == (64, 64)


@pytest.mark.parametrize(
    ("request_", "context", "says"),
    [
        ({"prompt": ""}, {}, "the prompt '' is empty"),
        ({"messages": [{"role": "user", "content": " "}]}, {}, "the prompt '' is empty"),
        ({"prompt": "an owl"}, {"mode": "fast"}, "mode 'fast' is not one of"),
        ({"prompt": "an owl"}, {"n": "foo"}, "n 'foo' is not a whole number"),
        ({"prompt": "an owl"}, {"n": 99}, "n 99 is outside 1..16"),
        ({"prompt": "an owl"}, {"cancel": True}, "cancel True is not an event"),
        ({"prompt": "an owl"}, {"generator": "sdxl"}, "generator 'sdxl' is chosen by whoever runs this server"),
        ({"prompt": "an owl", "subjects": ["/etc/passwd"]}, {}, "send pictures in the message"),
        ({"messages": [{"role": "user", "content": [{"type": "image", "base64": "?", "mime_type": "image/png"}]}]}, {},
         "is not base64"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", ["context", "config"])
def test_what_is_wrong_is_told_in_one_line(
    server: str, request_: dict[str, Any], context: dict[str, Any], says: str, place: str
) -> None:
    client = sdk.get_sync_client(url=server)
    thread = client.threads.create()["thread_id"]
    where: Any = {"context": context} if place == "context" else {"config": {"configurable": context}}
    outcome = client.runs.wait(thread, "imagerag", input=request_, raise_error=False, **where)
    assert outcome["__error__"]["error"] == "UserError", outcome
    assert says in outcome["__error__"]["message"]
    assert "\n" not in outcome["__error__"]["message"]
    assert "image" not in client.threads.get_state(thread)["values"]


@pytest.mark.parametrize("place", ["context", "config"])
def test_settings_count_wherever_a_client_puts_them(server: str, place: str) -> None:
    client = sdk.get_sync_client(url=server)
    thread = client.threads.create()["thread_id"]
    values = {"seed": 5, "n": 2}
    where: Any = {"context": values} if place == "context" else {"config": {"configurable": values}}
    result = client.runs.wait(thread, "imagerag", input={"prompt": "an owl"}, **where)
    assert [image["seed"] for image in result["images"]] == [5, 6]


def test_a_no_from_a_client_is_honoured(server: str) -> None:
    client = sdk.get_sync_client(url=server)
    thread = client.threads.create()["thread_id"]
    prompt = {"prompt": "a lobster wearing a kimono"}
    client.runs.wait(thread, "imagerag", input=prompt, context={"approve": True, "seed": 1, "mode": "lookup_first"})
    assert client.threads.get_state(thread)["interrupts"]
    no = {"resume": {"decisions": [{"type": "reject", "message": "not these"}]}}
    result = client.runs.wait(thread, "imagerag", command=no)
    assert result["images"] == []
    assert result["stop_reason"] == "cancelled"


def test_after_an_error_the_thread_goes_on(server: str) -> None:
    client = sdk.get_sync_client(url=server)
    thread = client.threads.create()["thread_id"]
    client.runs.wait(thread, "imagerag", input={"prompt": "an owl"}, context={"seed": 1})
    failed = client.runs.wait(thread, "imagerag", input={"prompt": " "}, raise_error=False)
    assert "is empty" in failed["__error__"]["message"]
    after = client.runs.wait(thread, "imagerag", input={"prompt": "make it red"}, context={"seed": 1})
    assert after["image"]["prompt"] == "a red owl"


@pytest.fixture
def steps(served: Served) -> Iterator[Path]:
    """The file in which the held graph notes its steps."""
    file, gate = served.folder / "steps", served.folder / "open"
    for one in (file, gate):
        one.unlink(missing_ok=True)
    yield file
    gate.touch()


def wait_for(steps: Path, noted: str) -> None:
    for _ in range(600):
        if steps.exists() and steps.read_text().strip() == noted:
            return
        time.sleep(0.05)
    raise AssertionError(f"{steps.read_text() if steps.exists() else 'nothing'!r} is not {noted!r}")


def cancelled(client: Any, thread: str, steps: Path) -> None:
    run = client.runs.create(thread, "held", input={"prompt": "an owl"})
    wait_for(steps, "1 2")
    client.runs.cancel(thread, run["run_id"], wait=True)
    assert client.runs.get(thread, run["run_id"])["status"] in ("interrupted", "error")


def left(client: Any, thread: str, steps: Path) -> None:
    stream = client.runs.stream(
        thread, "held", input={"prompt": "an owl"}, stream_mode="custom", on_disconnect="cancel"
    )
    for part in stream:
        if part.event == "custom" and part.data["event"] == "progress":
            break
    wait_for(steps, "1 2")
    stream.close()
    for _ in range(600):
        if client.runs.list(thread)[0]["status"] in ("interrupted", "error"):
            return
        time.sleep(0.05)
    raise AssertionError("the run goes on")


@pytest.mark.parametrize("stop", [cancelled, left])
def test_a_run_that_is_stopped_stops_drawing(server: str, steps: Path, stop: Callable[[Any, str, Path], None]) -> None:
    client = sdk.get_sync_client(url=server)
    thread = client.threads.create()["thread_id"]
    stop(client, thread, steps)
    (steps.parent / "open").touch()
    after = client.runs.wait(thread, "held", input={"prompt": "a cat"})
    assert after["image"]["prompt"] == "a cat"
    assert steps.read_text().split() == ["1", "2", "1", "2", "3", "4"]


def test_nothing_has_blocked_the_event_loop(served: Served) -> None:
    """The server runs without ``--allow-blocking``: LangGraph raises where a file is touched on its event loop."""
    assert "BlockingError" not in (served.folder / "log").read_text()
