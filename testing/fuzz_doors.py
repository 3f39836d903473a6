"""Fuzz targets: the HTTP API by its OpenAPI document, and MCP over HTTP and stdio, whose messages come in any order."""

import json
import queue
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from testing.fuzz_inputs import json_values
from testing.fuzzing import Target
from testing.servers import Served, scripted_service

LONGEST = 900.0
"""Seconds after which a server is given up. That it took too long is found before, by the limits of one input, which
don't count the time that others had the processor."""
_OPEN = ExitStack()
EITHER = {"accept": "application/json, text/event-stream", "content-type": "application/json"}


@cache
def _served() -> Served:
    """Return a server in this process with scripted engines; ``close_doors`` stops it."""
    home = _OPEN.enter_context(tempfile.TemporaryDirectory())
    served = Served(scripted_service(Path(home)))
    _OPEN.callback(served.stop)
    return served


def close_doors() -> None:
    """Stop the servers that were opened."""
    _OPEN.close()
    _served.cache_clear()
    _stdio.cache_clear()


def _requests() -> SearchStrategy[Any]:
    """Return requests as the OpenAPI document describes them, in their own words and shapes, and a little beyond."""
    import schemathesis

    document = httpx.get(_served().url + "/openapi.json").json()
    schema = schemathesis.openapi.from_dict(document)
    modes = [schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE]
    found: list[Any] = list(schema.get_all_operations())
    return st.one_of([one.ok().as_strategy(generation_mode=mode) for one in found for mode in modes])


def _send(case: Any) -> None:
    try:
        reply = case.call(base_url=_served().url, timeout=LONGEST)
    except (ValueError, UnicodeError):  # no request that its client can send
        return
    assert reply.status_code < 500, f"{case.method} {case.path}: {reply.status_code}: {reply.text[:500]}"
    if "json" in reply.headers.get("content-type", ""):
        reply.json()


METHODS = [
    "initialize", "notifications/initialized", "ping", "tools/list", "tools/call", "resources/list", "resources/read",
    "resources/templates/list", "prompts/list", "prompts/get", "completion/complete", "logging/setLevel",
    "notifications/cancelled", "notifications/progress", "resources/subscribe", "sampling/createMessage",
    "elicitation/create", "server/discover", "", "no/such/method",
]  # fmt: skip
QUICK = ["inspect_image", "propose_captions", "get_image", "cancel_image", "answer_image", "no_such_tool"]
KEYS = [
    "name", "arguments", "uri", "prompt", "image_id", "concepts", "captions", "run_id", "thread", "ref", "argument",
    "type", "value", "protocolVersion", "capabilities", "clientInfo", "requestId", "progressToken", "progress", "_meta",
    "level", "cursor", "k", "reference_ids", "seed",
]  # fmt: skip
WORDS = [
    "image-1",
    "imagerag://images/x",
    "imagerag://threads/%2e%2e/x",
    "ref/prompt",
    "draw",
    "2025-06-18",
    "t",
    "debug",
]
ABOUT = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "fuzz", "version": "1"}}


def _messages(tools: list[str]) -> SearchStrategy[bytes]:
    ids = st.none() | st.integers() | st.text(max_size=5) | st.just(1) | st.floats(allow_nan=False)
    params = json_values(KEYS, [*WORDS, *tools])
    call: SearchStrategy[Any] = st.fixed_dictionaries(
        {"name": st.sampled_from(tools), "arguments": params | st.just({})}
    )
    message = st.fixed_dictionaries(
        {"jsonrpc": st.sampled_from(["2.0", "2.0", "2.0", "1.0", 2]), "method": st.sampled_from(METHODS)},
        optional={"id": ids, "params": params | call | st.just(ABOUT)},
    )
    answer = st.fixed_dictionaries({"jsonrpc": st.just("2.0"), "id": ids}, optional={"result": params, "error": params})
    plain = (message | answer | st.lists(message, max_size=3) | params).map(json.dumps)
    huge = st.sampled_from(["x" * 3_000_000, "[" * 200_000, '{"a":' * 200_000, "1" * 5000, "\u2028", "\x00", "", " "])
    within = st.sampled_from([2_000_000]).map(
        lambda size: json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "x" * size}})
    )
    return (plain | plain | plain | huge | within).map(lambda text: text.encode("utf-8", "surrogatepass"))


def _first(method: str, number: int) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": ABOUT}).encode()


def _post(messages: list[tuple[bytes, str]]) -> None:
    url = _served().url + "/mcp"
    with httpx.Client(headers=EITHER, timeout=LONGEST) as client:
        session = client.post(url, content=_first("initialize", 1)).headers["mcp-session-id"]
        for message, how in messages:
            headers = {"mcp-session-id": session} if how != "without" else {}
            headers |= {"mcp-protocol-version": how} if how[:1].isdigit() else {}
            reply = client.post(url, content=message, headers=headers)
            assert reply.status_code < 500, f"{reply.status_code}: {reply.text[:500]}"
        assert client.delete(url, headers={"mcp-session-id": session}).status_code < 300


class Stdio:
    """``imagerag mcp`` as a process of its own."""

    def __init__(self) -> None:
        self._home = tempfile.TemporaryDirectory()
        command = [sys.executable, "-m", "imagerag", "mcp", "--home", self._home.name]
        pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self.process: subprocess.Popen[bytes] = subprocess.Popen(command, **pipes)
        self._lines: queue.Queue[bytes] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self._number = 10**9
        self.talk([_first("initialize", 1)])

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)

    def talk(self, messages: list[bytes]) -> None:
        """Send messages, one a line, then a ping, and wait for the answer to that.

        Raises:
            AssertionError: there is none.
        """
        assert self.process.stdin is not None
        self._number += 1
        ping = {"jsonrpc": "2.0", "id": self._number, "method": "ping"}
        for message in (*messages, json.dumps(ping).encode()):
            self.process.stdin.write(message.replace(b"\n", b" ") + b"\n")
        self.process.stdin.flush()
        until = time.monotonic() + LONGEST
        while True:
            try:
                answer = json.loads(self._lines.get(timeout=1))
            except queue.Empty:
                if self.process.poll() is None and time.monotonic() < until:
                    continue
                raise AssertionError(f"no answer to a ping; the process ended with {self.process.poll()}") from None
            if answer.get("id") == self._number:
                return

    def stop(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait(20)
        self._home.cleanup()


@cache
def _stdio() -> Stdio:
    stdio = Stdio()
    _OPEN.callback(stdio.stop)
    return stdio


DOORS = (
    Target("http", st.deferred(_requests), _send, allowed=(), seconds=10),
    Target(
        "mcp_http",
        st.lists(
            st.tuples(
                _messages([*QUICK, "create_image", "start_image", "search_references"]),
                st.sampled_from(["with", "with", "without", "2025-06-18", "1999-01-01", "2026-07-28"]),
            ),
            max_size=6,
        ),
        _post,
        allowed=(),
        seconds=10,
    ),
    Target(
        "mcp_stdio", st.lists(_messages(QUICK), max_size=6), lambda given: _stdio().talk(given), allowed=(), seconds=10
    ),
)
"""All of them."""
