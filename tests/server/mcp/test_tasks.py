"""Tasks of MCP 2025-11-25, as they travel."""

import json
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from testing.servers import Served

VERSION = "2025-11-25"


class Wire:
    """A session of a client that writes its messages itself."""

    def __init__(self, url: str, version: str = VERSION, key: str = "") -> None:
        self._url = f"{url}/mcp"
        self._headers = {"accept": "application/json, text/event-stream"}
        if key:
            self._headers["authorization"] = f"Bearer {key}"
        about = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        self.begun = self.ask("initialize", **about)["result"]
        self._headers["mcp-protocol-version"] = version
        self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def ask(self, method: str, **params: Any) -> Any:
        return self._send({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})

    def draw(self, task: Any = None, **arguments: Any) -> Any:
        more = {} if task is None else {"task": task}
        return self.ask("tools/call", name="create_image", arguments=arguments, **more)

    def _send(self, message: dict[str, Any]) -> Any:
        answer = httpx.post(self._url, json=message, headers=self._headers, timeout=60)
        if session := answer.headers.get("mcp-session-id"):
            self._headers["mcp-session-id"] = session
        if answer.headers.get("content-type", "").startswith("text/event-stream"):
            data = [line[6:] for line in answer.text.splitlines() if line.startswith("data: {")]
            return next(found for line in data if "id" in (found := json.loads(line)) and "method" not in found)
        return answer.json() if answer.content else None


@pytest.fixture
def wire(serve: Callable[..., Served]) -> Wire:
    return Wire(serve().url)


def test_it_is_offered_in_the_version_that_has_tasks_and_in_no_other(serve: Callable[..., Served]) -> None:
    url = serve().url
    wire, earlier = Wire(url), Wire(url, "2025-06-18")
    assert wire.begun["capabilities"]["tasks"] == {"list": {}, "cancel": {}, "requests": {"tools": {"call": {}}}}
    assert "tasks" not in earlier.begun["capabilities"]
    support = {tool["name"]: tool.get("execution") for tool in wire.ask("tools/list")["result"]["tools"]}
    assert support.pop("create_image") == {"taskSupport": "optional"}
    assert {json.dumps(one) for one in support.values()} == {"null"}
    assert "error" in earlier.ask("tasks/list")


@pytest.mark.slow
def test_a_picture_is_drawn_as_a_task_and_its_result_is_the_calls(wire: Wire) -> None:
    task = wire.draw({"ttl": 60_000}, prompt="an owl", seed=7)["result"]["task"]
    assert task["status"] in ("working", "completed")
    assert task["createdAt"].endswith("Z")
    result = wire.ask("tasks/result", taskId=task["taskId"])["result"]
    plain = wire.draw(prompt="an owl", seed=7)["result"]
    assert result["_meta"] == {"io.modelcontextprotocol/related-task": {"taskId": task["taskId"]}}
    assert result["structuredContent"]["status"] == plain["structuredContent"]["status"] == "done"
    assert [part["type"] for part in result["content"]] == [part["type"] for part in plain["content"]]
    seen = wire.ask("tasks/get", taskId=task["taskId"])["result"]
    assert (seen["status"], seen["createdAt"]) == ("completed", task["createdAt"])
    assert [one["taskId"] for one in wire.ask("tasks/list")["result"]["tasks"]] == [task["taskId"]]
    again = wire.ask("tasks/cancel", taskId=task["taskId"])["error"]
    assert (again["code"], "has ended (completed)" in again["message"]) == (-32602, True)


@pytest.mark.slow
def test_a_cancelled_task_stops_drawing_and_stays_cancelled(serve: Callable[..., Served]) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def gate(step: int) -> None:
        begun.set()
        assert go_on.wait(30)

    server = serve(before_step=gate)
    wire = Wire(server.url)
    task = wire.draw({}, prompt="an owl")["result"]["task"]
    assert begun.wait(30)
    run = server.service.register.find(task["taskId"])
    assert run is not None
    assert run.job is not None
    cancelled = run.job.cancelled
    assert wire.ask("tasks/get", taskId=task["taskId"])["result"]["status"] == "working"
    threading.Thread(target=lambda: cancelled.wait(30) and go_on.set()).start()
    assert wire.ask("tasks/cancel", taskId=task["taskId"])["result"]["status"] == "cancelled"
    assert wire.ask("tasks/get", taskId=task["taskId"])["result"]["status"] == "cancelled"
    assert wire.ask("tasks/result", taskId=task["taskId"])["result"]["structuredContent"]["status"] == "cancelled"


@pytest.mark.slow
def test_a_task_of_one_client_is_not_anothers(serve: Callable[..., Served]) -> None:
    url = serve().url
    mine, theirs = Wire(url, key="a-key-of-mine"), Wire(url, key="a-key-of-theirs")
    task = mine.draw({}, prompt="an owl")["result"]["task"]
    for method in ("tasks/get", "tasks/result", "tasks/cancel"):
        assert theirs.ask(method, taskId=task["taskId"])["error"]["code"] == -32602
    assert theirs.ask("tasks/list")["result"]["tasks"] == []
    assert mine.ask("tasks/result", taskId=task["taskId"])["result"]["structuredContent"]["status"] == "done"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "params", "code", "says"),
    [
        ("tools/call", {"name": "search_references", "arguments": {}, "task": {}}, -32601, "only create_image can"),
        ("tools/call", {"name": "create_image", "arguments": {"prompt": "x", "n": 99}, "task": {}}, -32602, "n: "),
        ("tools/call", {"name": "create_image", "arguments": {"prompt": 5}, "task": {}}, -32602, "prompt"),
        ("tasks/get", {"taskId": "nobody's"}, -32602, '"nobody\'s" is none of yours'),
        ("tasks/result", {}, -32602, "'' is none of yours"),
        ("tasks/cancel", {"taskId": 5}, -32602, "'5' is none of yours"),
    ],
)
def test_what_can_not_be_is_an_error_of_the_request(
    wire: Wire, method: str, params: dict[str, Any], code: int, says: str
) -> None:
    error = wire.ask(method, **params)["error"]
    assert error["code"] == code
    assert says in error["message"]


@pytest.mark.slow
def test_a_task_that_fails_says_why(wire: Wire) -> None:
    task = wire.draw({}, prompt=" ")["result"]["task"]
    result = wire.ask("tasks/result", taskId=task["taskId"])["result"]
    assert result["isError"]
    seen = wire.ask("tasks/get", taskId=task["taskId"])["result"]
    assert seen["status"] == "failed"
    assert "is empty" in seen["statusMessage"]
