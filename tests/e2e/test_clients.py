"""Real clients of others, each in its own process: draw, redraw, fail, and go away in the middle of a drawing.

Python's are installed into an environment, Node's into a folder, when the tests begin; ``IMAGERAG_CLIENTS_PYTHON`` and
``IMAGERAG_CLIENTS_NODE`` name an interpreter and a folder that have them already.
"""

import json
import os
import shutil
import subprocess
import venv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from testing.servers import TOKENS, Gate, Served, scripted_service

pytestmark = pytest.mark.slow
CLIENTS = Path(__file__).parent / "clients"
PYTHON_PACKAGES = (
    "openai>=2", "litellm>=1.80", "pydantic-ai-slim[openai]>=1", "openai-agents>=0.5", "llm>=0.27",
    "langchain-openai>=1",
)  # fmt: skip
NODE_PACKAGES = (
    "openai@6", "ai@6", "@ai-sdk/openai@3", "@ai-sdk/openai-compatible@2", "@modelcontextprotocol/sdk@1",
    "@modelcontextprotocol/inspector@2", "node@22",
)  # fmt: skip
PYTHON = ("openai", "litellm", "pydantic_ai", "openai_agents", "langchain", "llm")
NODE = ("openai", "ai_sdk", "mcp", "inspector")
Command = Callable[[str], list[str]]


def installed(command: list[str], what: str, **options: Any) -> None:
    result = subprocess.run(command, capture_output=True, text=True, **options)
    if result.returncode:
        pytest.skip(f"{what} can't be installed here: {result.stderr[-300:]}")


@pytest.fixture(scope="module")
def python_client(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """The command that runs one of Python's clients."""
    python = os.environ.get("IMAGERAG_CLIENTS_PYTHON")
    if not python:
        folder = tmp_path_factory.mktemp("python")
        venv.create(folder, with_pip=True)
        python = str(folder / "bin" / "python")
        quiet = ["--quiet", "--disable-pip-version-check"]
        installed([python, "-m", "pip", "install", *quiet, *PYTHON_PACKAGES], "Python's clients")
    return lambda name: [python, str(CLIENTS / f"{name}_python.py")]


@pytest.fixture(scope="module")
def node_client(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """The command that runs one of Node's clients; Node itself, which the newest of them need, comes from npm, too."""
    given = os.environ.get("IMAGERAG_CLIENTS_NODE")
    folder = Path(given) if given else tmp_path_factory.mktemp("node")
    if not given:
        if shutil.which("npm") is None:
            pytest.skip("npm is not here")
        quiet = ["--no-audit", "--no-fund", "--loglevel=error"]
        installed(["npm", "install", *quiet, *NODE_PACKAGES], "Node's clients", cwd=folder)
    for script in CLIENTS.glob("*.mjs"):  # Node looks for packages beside the script
        shutil.copy(script, folder)
    return lambda name: [str(folder / "node_modules" / "node" / "bin" / "node"), str(folder / f"{name}_node.mjs")]


@pytest.fixture(params=[*(("python", name) for name in PYTHON), *(("node", name) for name in NODE)], ids="-".join)
def client(request: pytest.FixtureRequest) -> Callable[[str, str], list[Any]]:
    """Run one step of one client, and return what it has printed."""
    kind, name = request.param
    command = request.getfixturevalue(f"{kind}_client")(name)

    def run(url: str, step: str) -> list[Any]:
        environment = {**os.environ, "OPENAI_AGENTS_DISABLE_TRACING": "1", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        asked = [*command, f"{url}/v1", TOKENS[0], step]
        result = subprocess.run(asked, capture_output=True, text=True, timeout=120, env=environment)
        assert result.returncode == 0, result.stderr[-3000:]
        lines = result.stdout.strip().splitlines()
        told: list[Any] = json.loads(lines[-1]) if lines else []
        return told

    return run


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    served = Served(scripted_service(tmp_path, scores=[0.9]), tokens=TOKENS, loopback=False)
    yield served
    served.stop()


def test_it_draws(client: Callable[[str, str], list[Any]], server: Served) -> None:
    told = client(server.url, "draw")
    assert told
    for text in told:
        assert "satisfied" in text, told


def test_it_redraws_in_the_same_conversation(client: Callable[[str, str], list[Any]], server: Served) -> None:
    told = client(server.url, "redraw")
    assert told
    for text in told:
        assert "a red owl" in text, told


def test_it_tells_what_is_wrong(client: Callable[[str, str], list[Any]], server: Served) -> None:
    told = client(server.url, "error")
    assert told
    for text in told:
        assert "is empty" in text, told
    assert server.service.components.generator.requests == [], "nothing was drawn"  # type: ignore[attr-defined]


def test_it_goes_away_and_the_drawing_stops(
    client: Callable[[str, str], list[Any]], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if "inspector" in request.node.name:
        pytest.skip("its command line can't cancel, and in MCP a connection that ends is no cancel")
    gate = Gate()
    served = Served(scripted_service(tmp_path, [0.9], gate), tokens=TOKENS, loopback=False)
    try:
        assert client(served.url, "cancel"), "it left before it had an answer"
        assert gate.reached.acquire(timeout=10), "it was being drawn"
        (run,) = served.service.register.under_way()
        assert run.job is not None
        assert run.job.cancelled.wait(10)
    finally:
        gate.open.set()
        served.stop()
