"""Real clients of others, each in its own process: draw, redraw, fail, and go away in the middle of a drawing.

Python's are installed into environments, Node's into a folder, when the tests begin; ``IMAGERAG_CLIENTS_PYTHON``,
``IMAGERAG_ADAPTER_PYTHON`` and ``IMAGERAG_CLIENTS_NODE`` name interpreters and a folder that have them already.
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

from imagerag.errors import UserError
from testing.scripted import Squares, SquaresThatFail
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
WAYS: dict[tuple[str, str], tuple[str, ...]] = {
    ("python", "openai"): ("timeout", "chat stream", "response stream", "image stream", "task"),
    ("python", "litellm"): ("timeout", "chat stream", "task"),
    ("python", "pydantic_ai"): ("chat", "responses", "stream"),
    ("python", "openai_agents"): ("chat", "responses", "stream"),
    ("python", "langchain"): ("timeout", "chat", "responses", "stream"),
    ("python", "llm"): ("terminated", "interrupted", "stream"),
    ("adapter", "mcp_adapter"): ("task", "by a tool"),
    ("node", "openai"): ("chat", "responses", "images", "stream"),
    ("node", "ai_sdk"): ("chat", "responses", "images", "chat stream"),
    ("node", "mcp"): ("signal", "by a tool"),
    # Its command line can't cancel a call, and in MCP a connection that ends is no cancel.
    ("node", "inspector"): ("by a tool",),
}
"""Clients, each with the ways in which whoever uses it stops a request."""
OUT_OF_PAPER = "the generator is out of paper; add some"
Command = Callable[[str], list[str]]
Run = Callable[..., list[Any]]


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
def adapter_client(adapter: str) -> Command:
    """The command that runs LangChain's MCP adapter."""
    return lambda name: [adapter, str(CLIENTS / f"{name}_python.py")]


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


@pytest.fixture
def client_of(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[tuple[str, str]], Run]:
    """Return what runs one step of a client, and returns what it has printed."""

    def chosen(client: tuple[str, str]) -> Run:
        kind, name = client
        command = request.getfixturevalue(f"{kind}_client")(name)

        def run(url: str, step: str, what: str = "", gate: Gate | None = None) -> list[Any]:
            held = tmp_path / "held"
            environment = {**os.environ, "OPENAI_AGENTS_DISABLE_TRACING": "1", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
            asked = [*command, f"{url}/v1", TOKENS[0], step, what]
            pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
            with subprocess.Popen(asked, env={**environment, "HELD": str(held)}, **pipes) as process:
                if gate is not None and gate.reached.acquire(timeout=60):
                    held.touch()
                out, wrong = process.communicate(timeout=120)
            assert process.returncode == 0, wrong[-3000:]
            lines = out.strip().splitlines()
            told: list[Any] = json.loads(lines[-1]) if lines else []
            return told

        return run

    return chosen


@pytest.fixture(params=list(WAYS), ids="-".join)
def client(request: pytest.FixtureRequest, client_of: Callable[[tuple[str, str]], Run]) -> Run:
    return client_of(request.param)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    served = Served(scripted_service(tmp_path, scores=[0.9]), tokens=TOKENS, loopback=False)
    yield served
    served.stop()


def test_it_draws(client: Run, server: Served) -> None:
    told = client(server.url, "draw")
    assert told
    for text in told:
        assert "satisfied" in text, told


def test_it_redraws_in_the_same_conversation(client: Run, server: Served) -> None:
    told = client(server.url, "redraw")
    assert told
    for text in told:
        assert "a red owl" in text, told


@pytest.mark.parametrize(
    ("prompt", "says"), [(" ", "is empty"), ("an owl", OUT_OF_PAPER)], ids=["the request", "the generator"]
)
def test_it_tells_what_is_wrong_and_the_conversation_goes_on(
    client: Run, tmp_path: Path, prompt: str, says: str
) -> None:
    failing = SquaresThatFail(UserError(OUT_OF_PAPER), lambda asked: "owl" in asked.prompt, spared=0)
    served = Served(scripted_service(tmp_path, [0.9], generator=failing), tokens=TOKENS, loopback=False)
    try:
        told = client(served.url, "error", prompt)
    finally:
        served.stop()
    assert told
    for wrong, after in zip(told[::2], told[1::2], strict=True):
        assert says in wrong, told
        assert "satisfied" in after, told
    if not prompt.strip():
        assert not [asked for asked in failing.requests if not asked.prompt.strip()], "nothing was drawn of it"


@pytest.mark.parametrize(
    ("name", "way"),
    [(name, way) for name, ways in WAYS.items() for way in ways],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_it_goes_away_and_the_drawing_stops(
    name: tuple[str, str], way: str, client_of: Callable[[tuple[str, str]], Run], tmp_path: Path
) -> None:
    client, gate = client_of(name), Gate()
    squares = Squares(gate)
    served = Served(scripted_service(tmp_path, [0.9], generator=squares), tokens=TOKENS, loopback=False)
    try:
        assert client(served.url, "cancel", way, gate), "it left before it had an answer"
        (run,) = served.service.register.under_way()
        assert run.job is not None
        assert run.job.cancelled.wait(10)
        gate.open.set()
        assert run.wait(10)
        assert squares.steps_done == 1
        assert client(served.url, "draw")
    finally:
        gate.open.set()
        served.stop()
