"""Connections to other MCP servers: tokens, environment, cancellation."""

import json
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from imagerag.errors import Cancelled, InvalidArgument, UserError
from imagerag.tools.mcp_client import Connection, token_variable
from testing.faulty_servers import faulty_server
from testing.mounted_runs import STDIO, MountedRun
from testing.scripted_runs import GENERATE
from testing.servers import TOKENS, Served

pytest.importorskip("mcp")


@pytest.mark.slow
def test_a_mounted_server_gets_no_key_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    run = MountedRun(tmp_path, [[("environment", {})], GENERATE, "done"], STDIO, "environment")
    assert "OPENAI_API_KEY" not in run.told("environment").text


@pytest.mark.slow
def test_a_hanging_call_ends_when_the_run_is_cancelled(tmp_path: Path) -> None:
    cancel, done = threading.Event(), threading.Event()

    def cancel_after_the_first_image() -> None:
        while not done.wait(0.05):
            if any(tmp_path.rglob("*.png")):
                done.wait(0.5)  # the call has begun by then, or will find the run cancelled
                cancel.set()

    canceller = threading.Thread(target=cancel_after_the_first_image)
    canceller.start()
    try:
        run = MountedRun(tmp_path, [GENERATE, [("hang", {})], "done"], STDIO, "hang", cancel=cancel)
    finally:
        done.set()
        canceller.join()
    assert run.result["stop_reason"] == "cancelled"
    assert run.result["image"] is not None


@pytest.mark.parametrize(
    ("server", "allow", "said"),
    [
        (STDIO, "", "is allowed; give --mcp-allow some of: broken_picture, die"),
        (STDIO, "find", "'find' is not a tool of the --mcp-server given; it has: broken_picture, die"),
        ("/no/such/command", "find", "can't be used"),
        (f"{sys.executable} -c 'import sys; sys.exit(\"no licence\")'", "find", "it said: 'no licence'"),
        ("http://127.0.0.1:1/mcp", "find", "can't be used"),
        ("'", "find", "is no command"),
    ],
)
@pytest.mark.slow
def test_a_server_that_is_of_no_use_is_told_before_anything_is_drawn(
    tmp_path: Path, server: str, allow: str, said: str
) -> None:
    with pytest.raises(UserError, match=r"mcp_server|mcp_allow|allowed") as told:
        MountedRun(tmp_path, [GENERATE], server, allow)
    assert said in str(told.value)


def test_a_server_that_wants_a_token_gets_its_own(
    tmp_path: Path, serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve({"tokens": TOKENS})
    address = f"{server.url}/mcp"
    variable = f"IMAGERAG_MCP_TOKEN_127_0_0_1_{server.url.rpartition(':')[2]}"
    with pytest.raises(UserError, match=rf"mcp_server .* \(.*401.*\); set the variable {variable} to a token"):
        MountedRun(tmp_path, [GENERATE], address, "get_image")
    monkeypatch.setenv(variable, "a wrong one, but long enough")
    with pytest.raises(UserError, match="401") as refused:
        MountedRun(tmp_path, [GENERATE], address, "get_image")
    assert "a wrong one" not in str(refused.value)
    monkeypatch.setenv(variable, TOKENS[0])
    run = MountedRun(tmp_path, [GENERATE, [("get_image", {"run_id": "none"})], "done"], address, "get_image")
    assert "is not a run of yours" in run.told("get_image").text
    assert TOKENS[0] not in json.dumps([step["summary"] for step in run.result["trace"]])


def test_each_server_has_a_variable_of_its_own() -> None:
    assert token_variable("https://me:pw@search.example.org/mcp") == "IMAGERAG_MCP_TOKEN_SEARCH_EXAMPLE_ORG"
    assert token_variable("http://[::1]:9000/mcp") == "IMAGERAG_MCP_TOKEN_1_9000"


def test_reaching_a_server_again_takes_no_longer_than_the_call_may() -> None:
    with faulty_server("hangs") as address:
        connection = Connection(f"{address}/mcp")
        with pytest.raises(InvalidArgument, match=r"no answer within 0.3 s"):
            connection.call("find", {}, check=None, seconds=0.3)


def test_a_run_that_is_stopped_waits_for_no_connection_not_even_for_that_of_another_run() -> None:
    waits = threading.Event()

    def stopped() -> None:
        if waits.is_set():
            raise Cancelled("stopped")
        waits.set()

    with faulty_server("hangs") as address:
        connection = Connection(f"{address}/mcp")
        for _ in range(2):
            waits.clear()
            with pytest.raises(Cancelled):
                connection.call("find", {}, check=stopped, seconds=60)
        with connection._lock, pytest.raises(Cancelled):
            connection.call("find", {}, check=stopped, seconds=60)


@pytest.mark.slow
@pytest.mark.parametrize(
    "server", [f"{sys.executable} -c 'raise SystemExit(1)' hunter2", "/nosuch --token hunter2", "x 'hunter2"]
)
def test_an_error_tells_no_argument_of_a_command(server: str) -> None:
    """It reaches the log of a server, and its clients."""
    with pytest.raises(UserError, match=r"mcp_server '\S+ \.\.\.' ") as told:
        Connection(server).connect()
    assert "hunter2" not in str(told.value)
