"""The floors of pyproject.toml, on packages put together as in a wheel: without the links, as on Windows."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

pytest.importorskip("importlinter", reason="pip install 'imagerag[dev]'")

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "pyproject.toml").is_file())

SURROUNDINGS = ("benchmarks", "testing", "tests", "training")


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A folder with every package's modules where they are imported from."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    places = {name.replace(".", "/"): place for name, place in project["tool"]["setuptools"]["package-dir"].items()}
    for target, source in (places | {name: name for name in SURROUNDINGS}).items():
        for folder, inner, files in os.walk(ROOT / source):
            inner[:] = [name for name in inner if name != "__pycache__"]
            for name in files:
                if name.endswith(".py"):
                    file = tmp_path / target / Path(folder, name).relative_to(ROOT / source)
                    file.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(Path(folder, name), file)
    shutil.copyfile(ROOT / "pyproject.toml", tmp_path / "pyproject.toml")
    return tmp_path


def lint(house: Path) -> subprocess.CompletedProcess[str]:
    command = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    path = os.pathsep.join([str(house), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [sys.executable, "-c", command, "--no-cache", "--no-logo"],
        cwd=house,
        env={**os.environ, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_imports_go_down_the_floors(house: Path) -> None:
    done = lint(house)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "line", "says"),
    [
        ("imagerag/store/images.py", "import imagerag.graphs.state", "imagerag.store is not allowed to import"),
        ("imagerag/records.py", "import imagerag.store.png", "imagerag.records is not allowed to import"),
        ("imagerag/net/safe_fetch.py", "import imagerag.store.png", "imagerag.net is not allowed to import"),
        ("imagerag/tools/builtin.py", "import testing.servers", "imagerag is not allowed to import testing"),
        ("benchmarks/cases.py", "import tests.conftest", "benchmarks is not allowed to import tests"),
    ],
)
def test_an_import_that_goes_up_fails(house: Path, module: str, line: str, says: str) -> None:
    file = house / module
    file.write_text(f"{file.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")
    done = lint(house)
    assert done.returncode == 1, done.stdout + done.stderr
    assert says in done.stdout


def test_a_package_without_a_floor_fails(house: Path) -> None:
    (house / "imagerag" / "attic").mkdir()
    (house / "imagerag" / "attic" / "__init__.py").touch()
    done = lint(house)
    assert done.returncode == 1
    assert "attic" in done.stdout
