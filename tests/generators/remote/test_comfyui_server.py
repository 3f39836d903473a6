"""What is asked of a ComfyUI server, and what it may answer."""

from typing import Any

import httpx
import pytest
from PIL import Image

from imagerag.errors import InvalidArgument, UserError
from imagerag.generators.base import Reference
from imagerag.generators.remote.comfyui_server import ComfyServer, failure_told, stop_drawing
from testing.remote_servers import comfy_server


def answering(*answers: httpx.Response) -> ComfyServer:
    script = iter(answers)
    transport = httpx.MockTransport(lambda request: next(script))
    return ComfyServer(httpx.Client(base_url="http://comfy.test", transport=transport), "comfyui")


@pytest.mark.parametrize(
    ("body", "name"), [({"name": "a.png"}, "a.png"), ({"name": "a.png", "subfolder": "in"}, "in/a.png")]
)
def test_the_name_of_an_uploaded_reference(body: Any, name: str) -> None:
    reference = Reference(Image.new("RGB", (8, 8)), "owl")
    assert answering(httpx.Response(200, json=body)).upload(reference) == name


@pytest.mark.parametrize("body", [{}, None, [], {"name": None}])
def test_an_upload_without_a_name(body: Any) -> None:
    with pytest.raises(InvalidArgument, match="without telling its name"):
        answering(httpx.Response(200, json=body)).upload(Reference(Image.new("RGB", (8, 8)), "owl"))


@pytest.mark.parametrize(
    ("queue", "queued"),
    [
        ({"queue_running": [[0, "p1", {}, {}, []]], "queue_pending": []}, True),
        ({"queue_running": [], "queue_pending": [[3, "p1"]]}, True),
        ({"queue_running": [{"prompt_id": "p1"}]}, True),
        ({"queue_running": None, "queue_pending": [None, [], "p1", [0, "p2"]]}, False),
        ({}, False),
    ],
)
def test_what_is_in_the_queue(queue: Any, queued: bool) -> None:
    assert answering(httpx.Response(200, json=queue)).is_queued("p1") is queued


def test_a_queue_that_is_not_told() -> None:
    assert answering(httpx.Response(404)).is_queued("p1") is None
    assert answering(httpx.Response(403)).is_queued("p1") is None


@pytest.mark.parametrize(
    ("answer", "entry"),
    [
        (httpx.Response(200, json={"p1": {"outputs": {}}}), {"outputs": {}}),
        (httpx.Response(200, json={"p2": {}}), None),
        (httpx.Response(200, json={"p1": None}), None),
        (httpx.Response(200, json=None), None),
        (httpx.Response(200, text="<html>"), None),
        (httpx.Response(404), None),
    ],
)
def test_an_entry_of_the_history(answer: httpx.Response, entry: Any) -> None:
    assert answering(answer).entry("p1") == entry


def test_a_server_that_is_not_for_us() -> None:
    with pytest.raises(UserError, match="answered 401"):
        answering(httpx.Response(401)).entry("p1")
    with pytest.raises(UserError, match="leads to '/login'"):
        answering(httpx.Response(302, headers={"location": "/login"})).entry("p1")


def test_only_failures_are_told_as_such() -> None:
    assert failure_told("executing", {"node": "3"}) == ""
    assert failure_told("execution_interrupted", {}) == "ComfyUI's drawing was interrupted there, at a node"


def test_stopping_what_is_not_there_is_no_error() -> None:
    stop_drawing("http://127.0.0.1:9", "me", "p1")
    with comfy_server() as (comfy, url):
        stop_drawing(url, "somebody", None)
        assert not comfy.interrupted.is_set()
