"""The official MCP conformance suite against our server, for both versions of the protocol it knows.

``IMAGERAG_CONFORMANCE`` names a folder that has it installed already.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from testing.servers import Served, scripted_service

pytest.importorskip("mcp")
import httpx2

from testing.conformance_fixtures import conformance_fixtures

pytestmark = [
    pytest.mark.slow,
    # Of the newest protocol, which the suite does not know yet; the fixtures log and sample as it wants it.
    pytest.mark.filterwarnings("ignore:The (logging|sampling) capability is deprecated"),
]

SUITE = "@modelcontextprotocol/conformance@0.1.16"
NODE = "node@22"
"""The suite wants this version or a newer one; its npm package brings the program."""
SCENARIOS = {"2025-06-18": 26, "2025-11-25": 32}
"""Scenarios of each version in that release of the suite; fewer would say that it has not run."""
OLD_HEADER = (
    "the scenario posts as a client of 2025-03-26, which can't read an event without data; clients of 2025-11-25 and "
    "newer are sent it, see the test below"
)
NOT_PASSED = {
    "server-sse-priming-event": OLD_HEADER,
    "server-sse-retry-field": OLD_HEADER,
}
"""Checks that are not passed, and why; each is a warning of the suite, by which the scenario passes."""


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the suite and a node that runs it."""
    if ready := os.environ.get("IMAGERAG_CONFORMANCE"):
        return Path(ready)
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not there")
    folder = tmp_path_factory.mktemp("conformance")
    command = [npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--loglevel=error", SUITE, NODE]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=300)
    except subprocess.TimeoutExpired:
        pytest.skip("npm's registry does not answer")
    if result.returncode:
        pytest.skip(f"the conformance suite can't be installed here: {result.stderr[-300:]}")
    return folder


def run_suite(suite: Path, url: str, version: str, results: Path) -> dict[str, dict[str, str]]:
    """Run every scenario of a version; returns for each the checks that were not passed, with what they said."""
    program = suite / "node_modules/@modelcontextprotocol/conformance/dist/index.js"
    node = next(path for path in (suite / "node_modules/node/bin").iterdir() if path.stem == "node")
    command = [str(node), str(program), "server", "--url", url, "--suite", "all", "--spec-version", version]
    ran = subprocess.run(
        [*command, "--output-dir", str(results)], capture_output=True, text=True, timeout=300, cwd=results.parent
    )
    found: dict[str, dict[str, str]] = {}
    for file in results.glob("*/checks.json"):
        checks: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
        scenario = file.parent.name.removeprefix("server-").rpartition("-20")[0]
        found[scenario] = {
            check["id"]: f"{check['status']}: {check.get('errorMessage', '')[:300]}"
            for check in checks
            if check["status"] in ("FAILURE", "WARNING")
        }
    assert found, ran.stderr[-2000:]
    return found


@pytest.mark.parametrize("version", SCENARIOS)
def test_every_scenario_is_passed(suite: Path, tmp_path: Path, version: str) -> None:
    server = Served(scripted_service(tmp_path / "home"), mcp_addition=conformance_fixtures())
    results = tmp_path / "results"
    results.mkdir()
    try:
        found = run_suite(suite, server.url + "/mcp", version, results)
    finally:
        server.stop()
    assert len(found) == SCENARIOS[version], sorted(found)
    faults = {check: f"{scenario}: {text}" for scenario, checks in found.items() for check, text in checks.items()}
    assert {check: text for check, text in faults.items() if check not in NOT_PASSED} == {}
    assert not [text for check, text in faults.items() if check in NOT_PASSED and "FAILURE" in text]
    if version == "2025-11-25":
        assert set(faults) == set(NOT_PASSED), "passed by now"


def test_a_stream_that_ends_before_the_answer_is_read_on(tmp_path: Path) -> None:
    """What the suite's scenario of polling does, as a client of 2025-11-25."""
    server = Served(scripted_service(tmp_path), mcp_addition=conformance_fixtures())
    about = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}

    def request(method: str, number: int | None, **params: Any) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "method": method, "params": params} | ({} if number is None else {"id": number})

    try:
        with httpx2.Client(headers=headers, timeout=120) as client:
            url = server.url + "/mcp"
            begun = client.post(url, json=request("initialize", 0, **about))
            client.headers["MCP-Session-Id"] = begun.headers["MCP-Session-Id"]
            client.post(url, json=request("notifications/initialized", None))
            cut_off = client.post(url, json=request("tools/call", 1, name="test_reconnection", arguments={})).text
            fields = dict(line.split(": ", 1) for line in cut_off.split("\r\n") if ": " in line)
            assert "read after coming back" not in cut_off
            assert fields["retry"] == "100"
            with client.stream("GET", url, headers={"Last-Event-ID": fields["id"]}) as stream:
                assert any("read after coming back" in line for line in stream.iter_lines())
    finally:
        server.stop()
