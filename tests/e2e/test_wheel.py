"""The wheel beside an app that has packages called ``agent`` and ``tools`` of its own, as LangGraph programs do."""

import json
import os
import shutil
import site
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
NOT_COPIED = shutil.ignore_patterns(".*", "build", "dist", "out", "*.egg-info", "__pycache__")
APP = """\
import agent
import tools.mine

import imagerag.agent
import imagerag.tools
from imagerag.graphs.agent_graph import build_graph

result = build_graph().invoke({"prompt": "an owl"}, config={"configurable": {"thread_id": "t"}})

import json

print(json.dumps({
    "agent": agent.__file__,
    "whose": agent.WHOSE,
    "tools": tools.mine.__file__,
    "ours": imagerag.agent.__file__,
    "image": result["image"]["path"],
    "stop_reason": result["stop_reason"],
}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of the checkout: an old ``build`` folder there would add to what it holds."""
    folder = tmp_path_factory.mktemp("wheel")
    checkout = folder / "checkout"
    shutil.copytree(ROOT, checkout, symlinks=True, ignore=NOT_COPIED)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(checkout)]
    result = subprocess.run(build, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a new environment with the wheel, and our environment's libraries but not our checkout."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    executable = folder / "bin" / "python"
    libraries = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    install = [sys.executable, "-m", "pip", "--python", str(executable), "install", "--quiet", "--no-deps", str(wheel)]
    subprocess.run(install, check=True)
    # A path file adds the folder but runs none of the path files in it, such as the one of our editable install.
    (libraries / "heavy.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    return executable


def test_contents(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {
        "imagerag",
        next(n for n in names if ".dist-info" in n).split("/")[0],
    }
    for needed in (
        "imagerag/py.typed",
        "imagerag/agent/__init__.py",
        "imagerag/cli/report.html.j2",
        "imagerag/assets/library.parquet",
        "imagerag/assets/NOTICE",
    ):
        assert needed in names
    for folder, suffix in (("prompts", ".j2"), ("assets/clip", ".json"), ("assets/clip", ".safetensors")):
        assert any(name.startswith(f"imagerag/{folder}/") and name.endswith(suffix) for name in names)


def test_every_module_is_there(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    here = {
        "imagerag/" + str(file.relative_to(ROOT))
        for folder in ("agent", "assets", "cli", "engines", "graphs", "index", "prompts", "store", "tools")
        for file in (ROOT / folder).rglob("*.py")
    }
    assert here <= names, here - names


def test_beside_an_app_of_the_same_names(python: Path, tmp_path: Path) -> None:
    app = tmp_path / "app"
    for package in ("agent", "tools"):
        (app / package).mkdir(parents=True)
        (app / package / "__init__.py").write_text("WHOSE = 'the app'\n")
    (app / "tools" / "mine.py").write_text("")
    (app / "main.py").write_text(APP)
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("IMAGERAG_", "PYTHON"))}
    result = subprocess.run(
        [str(python), "main.py"],
        cwd=app,
        capture_output=True,
        text=True,
        env={**environ, "IMAGERAG_HOME": str(tmp_path / "home")},
    )
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout.splitlines()[-1])
    assert told["whose"] == "the app"
    assert Path(told["agent"]).is_relative_to(app)
    assert Path(told["tools"]).is_relative_to(app)
    assert Path(told["ours"]).is_relative_to(python.parent.parent)
    assert Path(told["image"]).is_file()
    assert told["stop_reason"] == "satisfied"


def test_console_script(python: Path) -> None:
    result = subprocess.run([str(python.parent / "imagerag"), "--version"], capture_output=True, text=True)
    assert (result.returncode, result.stdout.split()[0]) == (0, "imagerag")
