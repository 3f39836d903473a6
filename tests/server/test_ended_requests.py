"""Requests that are under way when the server is ended."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from imagerag.server.ended_requests import EndedRequests

SERVE = """
import sys, time
from pathlib import Path
from imagerag.cli.interrupt import ending_raises, status_of
from imagerag.server.app import build_app, listen, serve
from testing.servers import scripted_service

service = scripted_service(Path(sys.argv[1]), (0.3,), lambda step: time.sleep(float(sys.argv[2])))
listener = listen("127.0.0.1", 0, ())
print(listener.getsockname()[1], flush=True)
with ending_raises():
    try:
        serve(build_app(service, mcp=False, web=False), listener, service.stop_runs)
    except KeyboardInterrupt as ended:
        sys.exit(status_of(ended))
    finally:
        service.close()
"""


def test_who_has_no_answer_yet_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async def cut_off(scope: Any, receive: Any, send: Any) -> None:
        raise asyncio.CancelledError

    answer = TestClient(EndedRequests(cut_off)).get("/")
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "server_ending"


def test_an_answer_that_has_begun_breaks_off() -> None:
    sent: list[Any] = []

    async def cut_off(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise asyncio.CancelledError

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    asyncio.run(EndedRequests(cut_off)({"type": "http"}, receive, send))
    assert [message["status"] for message in sent] == [200]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_run_under_way_is_answered_with_what_it_has(tmp_path: Path, name: str) -> None:
    number = signal.Signals[name]
    command = [sys.executable, "-c", SERVE, str(tmp_path), "0.3"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        url = f"http://127.0.0.1:{int(process.stdout.readline())}/v1/images/generations"

        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(timeout=60) as client:
                asked = {"prompt": "an owl", "response_format": "b64_json"}
                answer = asyncio.create_task(client.post(url, json=asked))
                while not any((tmp_path / "images").rglob("*.png")):
                    assert not answer.done()
                    await asyncio.sleep(0.05)
                os.kill(process.pid, number)
                return await answer

        answer = asyncio.run(ask())
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (answer.status_code, process.returncode) == (200, 128 + number), err
    assert b'"b64_json"' in answer.content
    assert "Traceback" not in err
