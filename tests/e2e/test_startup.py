"""What a process imports: the time of a run in a new process is mostly that."""

import subprocess
import sys
from pathlib import Path

import pytest

NOT_FOR_A_DRAWING = (
    "accelerate", "chromadb", "diffusers", "open_clip", "pyarrow.dataset", "scipy", "sklearn", "sympy", "timm",
    "torch._dynamo", "torchvision", "transformers",
)  # fmt: skip


def loaded(code: str, *modules: str) -> set[str]:
    """Return which of the modules a new process has imported after running the code."""
    tell = f"\nimport sys\nprint(*(set({modules!r}) & set(sys.modules)), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code + tell], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


@pytest.mark.parametrize("prompt", ["an owl", "a lobster with a monocle"])
def test_a_drawing_imports_only_what_it_uses(prompt: str, tmp_path: Path) -> None:
    draw = ["draw", prompt, "--seed", "7", "--quiet", "--max-generations", "1", "--home", str(tmp_path)]
    # numpy is there to prove that the question is asked of the right process
    code = f"from imagerag.cli.main import run\nassert run({draw!r}) == 0"
    assert loaded(code, *NOT_FOR_A_DRAWING, "numpy", "torch") == {"numpy", "torch"}


def test_the_package_imports_nothing_heavy() -> None:
    assert loaded("import imagerag", "torch", "langgraph", "langchain_core", "numpy", "PIL", "pydantic") == set()


def test_help_imports_nothing_heavy() -> None:
    code = "from imagerag.cli.main import run\ntry: run(['--help'])\nexcept SystemExit: pass"
    assert loaded(code, "torch", "langgraph", "langchain_core", "numpy", "PIL", "pydantic") == set()
