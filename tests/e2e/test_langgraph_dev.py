"""``langgraph dev`` serves the graph by ``langgraph.json``, and LangGraph's own client runs it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

pytest.importorskip("langgraph_api", reason="pip install 'imagerag[studio]'")
sdk = pytest.importorskip("langgraph_sdk")
pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("server")  # it writes what it remembers beside its settings
    shutil.copy(ROOT / "langgraph.json", folder)
    (folder / "pyproject.toml").symlink_to(ROOT / "pyproject.toml")
    command = [sys.executable, "-m", "langgraph_cli", "dev", "--no-browser", "--no-reload", "--port", str(port)]
    environment = {**os.environ, "IMAGERAG_HOME": str(folder / "home"), "LANGSMITH_TRACING": "false"}
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
        yield url
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def test_a_run_and_its_follow_up(server: str) -> None:
    client = sdk.get_sync_client(url=server)
    assert [one["graph_id"] for one in client.assistants.search()] == ["imagerag"]
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


def test_a_client_can_t_choose_the_server_s_models(server: str) -> None:
    client = sdk.get_sync_client(url=server)
    thread = client.threads.create()["thread_id"]
    outcome = client.runs.wait(
        thread, "imagerag", input={"prompt": "an owl"}, context={"generator": "sdxl"}, raise_error=False
    )
    assert outcome["__error__"]["error"] == "UserError"  # what it says is in the server's log: LangGraph tells no more
    assert "image" not in client.threads.get_state(thread)["values"]
