"""Where an extra is not installed, the feature that needs it says in one line which extra that is."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "pyproject.toml").is_file())
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]

COMMAND = """\
import sys
for name in sys.argv[1].split(","):
    sys.modules[name] = None  # importing it says that it is not there, as find_spec does
from imagerag.cli.main import run
sys.exit(run(sys.argv[2:]))
"""

SCRIPT = """\
import runpy, sys
sys.modules[sys.argv[1]] = None
sys.argv = sys.argv[2:]
if sys.argv[0].endswith(".py"):
    runpy.run_path(sys.argv[0], run_name="__main__")
else:
    runpy.run_module(sys.argv[0], run_name="__main__")
"""

CODE = """\
import sys
sys.modules[sys.argv[1]] = None
from imagerag.errors import UserError
try:
    exec(sys.argv[2])
except UserError as error:
    sys.exit(f"imagerag: {error}")
"""

DOORS = [
    ("serve", "uvicorn", ["serve"]),
    ("serve", "starlette", ["web"]),
    ("serve", "python_multipart", ["serve"]),
    ("serve", "jsonschema", ["serve"]),
    ("mcp", "mcp", ["mcp"]),
    ("mcp", "mcp", ["mcp", "--http"]),
    ("ray", "ray", ["index", "add", ".", "--engine", "ray"]),
    ("vlm", "langchain", ["an owl", "--vlm", "openai:gpt-6.1-sol"]),
    ("vlm", "langchain_openai", ["an owl", "--vlm", "openai:model@http://127.0.0.1:9/v1"]),
    ("vlm", "langchain_openai", ["chat", "--vlm", "openai:gpt-6.1-sol"]),
    ("providers", "langchain_anthropic", ["an owl", "--critic", "anthropic:claude"]),
    ("providers", "langchain_google_genai", ["an owl", "--vlm", "google_genai:gemini"]),
    ("providers", "langchain_ollama", ["an owl", "--vlm", "ollama:qwen3-vl"]),
]

FEATURES = [
    ("c2pa", "c2pa", "from imagerag.provenance.signing import open_signer; open_signer('a.pem', 'b.pem')"),
    ("cut", "cv2", "from imagerag.generators.isolation import isolation_for; isolation_for(None, 'cut')"),
    ("mcp", "mcp", "from imagerag.tools.mcp_tools import open_connection; open_connection('a server')"),
    (
        "diffusion",
        "bitsandbytes",
        "import torch; from imagerag.generators.diffusion import quantisation as q; q.quantisation({}, torch.float16)",
    ),
    (
        "diffusion",
        "sentencepiece",
        "import sys; from imagerag.generators.registry import load_generator; load_generator('diffusers:' + FOLDER)",
    ),
]

SCRIPTS = [
    ("bench", "matplotlib", ["benchmarks.index", "--plot", "x.svg"]),
    ("browser", "playwright", [str(ROOT / "docs" / "picture_of_the_page.py"), "a.png", "b.png"]),
    ("train", "genai_prices", ["training.prices"]),
    ("train", "resvg_py", ["training.build_library"]),
]

NO_DOOR_OF_OURS = {"dev", "docs", "fuzz", "studio"}
"""Tools that are run by their own commands: ``make check``, ``langgraph dev``."""


def python(code: str, *arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    # The working directory has nothing to be imported, and a key must not stand in for a missing package.
    kept = {key: value for key, value in os.environ.items() if not key.endswith("_API_KEY")}
    environ = {**kept, "IMAGERAG_HOME": str(home), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=home,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def check(done: subprocess.CompletedProcess[str], extra: str, library: str) -> None:
    lines = done.stderr.splitlines()
    assert done.returncode != 0, done.stdout
    assert "Traceback" not in done.stderr
    said = [line for line in lines if "imagerag[" in line]
    assert len(said) == 1, done.stderr
    assert said[0].endswith(f"pip install 'imagerag[{extra}]'")
    assert library.replace("_", "-") in said[0].replace("_", "-")


def test_every_extra_is_asked_for() -> None:
    assert {extra for extra, *_ in [*DOORS, *FEATURES, *SCRIPTS]} | NO_DOOR_OF_OURS == set(EXTRAS)


@pytest.mark.parametrize(("extra", "library", "arguments"), DOORS)
def test_commands(extra: str, library: str, arguments: list[str], tmp_path: Path) -> None:
    done = python(COMMAND, library, *arguments, home=tmp_path)
    check(done, extra, library)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1, done.stderr


@pytest.mark.parametrize(("extra", "library", "code"), FEATURES)
def test_features(extra: str, library: str, code: str, tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "model_index.json").write_text(json.dumps({"_class_name": "KolorsPipeline"}), encoding="utf-8")
    check(python(CODE, library, code.replace("FOLDER", repr(str(model))), home=tmp_path), extra, library)


@pytest.mark.parametrize(("extra", "library", "arguments"), SCRIPTS)
def test_scripts_of_a_checkout(extra: str, library: str, arguments: list[str], tmp_path: Path) -> None:
    check(python(SCRIPT, library, *arguments, home=tmp_path), extra, library)


def test_the_graph_of_a_langgraph_server_needs_no_extra(tmp_path: Path) -> None:
    code = "import sys; sys.modules['langgraph_api'] = sys.modules['langgraph_cli'] = None\n"
    done = python(code + "from imagerag.graphs.langgraph_server import graph", home=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.installs
@pytest.mark.parametrize("extra", sorted(EXTRAS))
def test_every_extra_can_be_installed_alone(
    extra: str, tmp_path: Path, pytestconfig: pytest.Config, wheel: Path
) -> None:
    """pip resolves the wheel with that one extra against PyPI, from metadata: nothing is installed or built."""
    if "installs" not in str(pytestconfig.getoption("-m")):
        pytest.skip("needs PyPI: pytest -m installs")
    report = tmp_path / "report.json"
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet"]
    command += ["--only-binary", ":all:", "--report", str(report), f"imagerag[{extra}] @ {wheel.as_uri()}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = {entry["metadata"]["name"].lower() for entry in json.loads(report.read_text())["install"]}
    assert "imagerag" in found
    assert len(found) > len(EXTRAS[extra])
