"""Events of one drawing among those of others, as sockets tell them."""

import json
import struct
from collections.abc import Iterable
from typing import Any

import httpx
import pytest
from PIL import Image
from websockets.exceptions import ConnectionClosedError

from imagerag.errors import BudgetExceeded, InvalidArgument
from imagerag.generators.base import DrawControl
from imagerag.generators.remote import comfyui_events
from imagerag.generators.remote.calling import TransientError
from imagerag.generators.remote.comfyui_events import follow
from imagerag.generators.remote.comfyui_server import ComfyServer
from testing.remote_servers import a_png

ENTRY = {"outputs": {}}


class Socket:
    """Says its script, then what it is told to go on with."""

    def __init__(self, script: Iterable[Any], then: Any = TimeoutError) -> None:
        self._script = iter(script)
        self._then = then

    def recv(self, timeout: float) -> Any:
        said = next(self._script, self._then)
        if isinstance(said, type | BaseException):
            raise said
        return said


def event(kind: str, prompt_id: str = "p1", **data: Any) -> str:
    return json.dumps({"type": kind, "data": {"prompt_id": prompt_id, **data}})


def server(history: Iterable[Any], queue: Any = None) -> ComfyServer:
    asked = iter(history)

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/queue":
            return httpx.Response(404) if queue is None else httpx.Response(200, json=queue)
        return httpx.Response(200, json=next(asked, {}))

    return ComfyServer(httpx.Client(base_url="http://comfy.test", transport=httpx.MockTransport(answer)), "comfyui")


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in {"ASK_EVERY": 0.05, "ASK_SOON": 0.01, "GONE_AFTER": 0.2}.items():
        monkeypatch.setattr(comfyui_events, name, seconds)


def test_steps_and_previews_are_told_as_far_as_they_make_sense() -> None:
    steps: list[tuple[int, int]] = []
    previews: list[Image.Image] = []
    odd = [{"value": 4, "max": 3}, {"value": 0, "max": 0}, {"value": "x", "max": 3}, {}, {"value": 1e400, "max": 3}]
    script = [
        event("progress", value=1, max=3),
        event("progress", "p2", value=2, max=3),
        *(event("progress", **data) for data in odd),
        struct.pack(">II", 1, 2) + a_png("grey", 8),
        struct.pack(">II", 9, 2) + a_png("grey", 8),
        struct.pack(">II", 1, 2) + b"half",
        "[" * 100_000,
        "no event",
        event("executing", node=None),
    ]
    control = DrawControl(None, lambda done, total: steps.append((done, total)), previews.append)
    assert follow(Socket(script), server([{"p1": ENTRY}]), "p1", control) == ENTRY
    assert steps == [(1, 3)]
    assert [preview.size for preview in previews] == [(8, 8)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "script",
    [
        [],
        [event("execution_success")],
        [event("executing", node=None)],
        [ConnectionClosedError(None, None)],
        [EOFError()],
    ],
)
def test_the_end_is_read_from_the_history(script: list[Any]) -> None:
    assert follow(Socket(script), server([{}, {}, {"p1": ENTRY}]), "p1", DrawControl()) == ENTRY
    assert follow(None, server([{}, {"p1": ENTRY}]), "p1", DrawControl()) == ENTRY


def test_what_others_say_is_not_the_end() -> None:
    others = [event("execution_error", "p2"), event("execution_interrupted", "p2"), event("execution_success", "p2")]
    assert follow(Socket(others), server([{"p1": ENTRY}]), "p1", DrawControl()) == ENTRY
    with pytest.raises(InvalidArgument, match="interrupted"):
        follow(Socket([event("execution_interrupted")]), server([]), "p1", DrawControl())


def test_a_monitor_that_talks_for_ever_does_not_hide_the_end() -> None:
    monitor = json.dumps({"type": "crystools.monitor", "data": {"cpu": 7}})
    assert follow(Socket([], monitor), server([{}, {"p1": ENTRY}]), "p1", DrawControl()) == ENTRY


@pytest.mark.slow
def test_one_that_waits_is_waited_for_until_the_run_ends() -> None:
    looks = 0

    def check() -> None:
        nonlocal looks
        looks += 1
        if looks > 30:
            raise BudgetExceeded("seconds", 2, 1)

    monitor = json.dumps({"type": "status", "data": {}})
    with pytest.raises(BudgetExceeded):
        follow(None, server([], {"queue_pending": [[0, "p1"]]}), "p1", DrawControl(check))
    with pytest.raises(InvalidArgument, match="neither in its queue nor"):
        follow(Socket([], monitor), server([], {"queue_pending": [[0, "p2"]]}), "p1", DrawControl())


def test_a_server_that_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comfyui_events, "SILENCE", 0.3)
    with pytest.raises(TransientError, match="not a word"):
        follow(None, server([]), "p1", DrawControl())
