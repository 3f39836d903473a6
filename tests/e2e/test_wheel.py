"""What is released: the source archive and the wheel, and the wheel beside an app that has packages of our names."""

import json
import os
import shutil
import site
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from fnmatch import fnmatch
from pathlib import Path

import pytest

import imagerag

pytestmark = pytest.mark.slow

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "pyproject.toml").is_file())

SETUPTOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]

SURROUNDINGS = {"benchmarks", "docs", "examples", "testing", "tests", "training"}

APP = """\
import agent
import tools.mine

import imagerag.agent
import imagerag.tools
from imagerag.graphs import build_graph

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


def build(kind: str, source: Path, folder: Path) -> Path:
    """Build a ``wheel`` or ``sdist`` with the libraries that are installed here."""
    command = [sys.executable, "-m", "build", f"--{kind}", "--no-isolation", "--outdir", str(folder), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return built


def contents(wheel: Path) -> dict[str, int]:
    """Return the checksum of every file of the package in a wheel."""
    files = zipfile.ZipFile(wheel).infolist()
    return {file.filename: file.CRC for file in files if ".dist-info/" not in file.filename}


def environment() -> dict[str, str]:
    """Return the variables of this process without those that would let our checkout in."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("IMAGERAG_", "PYTHON"))}


@pytest.fixture(scope="module")
def sdist(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("sdist", checkout, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def scripts(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands of a new environment with the wheel, and our environment's libraries but not our checkout."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    commands = Path(sysconfig.get_path("scripts", scheme="venv", vars={"base": str(folder), "platbase": str(folder)}))
    libraries = Path(sysconfig.get_path("purelib", scheme="venv", vars={"base": str(folder), "platbase": str(folder)}))
    python = commands / Path(sys.executable).with_stem("python").name
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", str(wheel)]
    subprocess.run(install, check=True)
    # A path file adds the folder but runs none of the path files in it, such as the one of our editable install.
    (libraries / "heavy.pth").write_text("\n".join(site.getsitepackages()) + "\n", encoding="utf-8")
    return commands


def wanted() -> set[str]:
    """Return what the wheel has to hold by pyproject.toml's lists, read off the tree."""
    found = set()
    for package in SETUPTOOLS["packages"]:
        folder = ROOT.joinpath(*package.split(".")[1:]) if "." in package else ROOT / "imagerag"
        patterns = ["*.py", *SETUPTOOLS["package-data"].get(package, [])]
        for file in folder.rglob("*"):
            relative = file.relative_to(folder).as_posix()
            depth = relative.count("/")
            if file.is_file() and any(fnmatch(relative, p) and p.count("/") == depth for p in patterns):
                found.add(f"{package.replace('.', '/')}/{relative}")
    return found


def test_the_wheel_holds_what_it_needs_and_no_more(wheel: Path) -> None:
    assert set(contents(wheel)) == wanted()
    for needed in (
        "py.typed",
        "assets/library.parquet",
        "assets/NOTICE",
        "prompts/agent.j2",
        "server/web/page/page.js",
    ):
        assert f"imagerag/{needed}" in contents(wheel)


def test_the_metadata(wheel: Path) -> None:
    assert wheel.name == f"imagerag-{imagerag.__version__}-py3-none-any.whl"
    archive = zipfile.ZipFile(wheel)
    others = {name.partition("/")[2] for name in archive.namelist() if ".dist-info/" in name}
    assert {"licenses/LICENSE", "licenses/assets/NOTICE", "entry_points.txt", "METADATA"} <= others
    assert not any(name.split("/")[0] in SURROUNDINGS for name in archive.namelist())


def test_a_wheel_of_the_source_archive_is_the_same(wheel: Path, sdist: Path, tmp_path: Path) -> None:
    assert sdist.name == f"imagerag-{imagerag.__version__}.tar.gz"
    with tarfile.open(sdist) as archive:
        held = {name.split("/")[1] for name in archive.getnames() if "/" in name}
        archive.extractall(tmp_path, filter="data")
    assert not held & SURROUNDINGS
    (source,) = (folder for folder in tmp_path.iterdir() if folder.is_dir())
    assert contents(build("wheel", source, tmp_path / "wheel")) == contents(wheel)


def test_beside_an_app_of_the_same_names(scripts: Path, tmp_path: Path) -> None:
    app = tmp_path / "app"
    for package in ("agent", "tools"):
        (app / package).mkdir(parents=True)
        (app / package / "__init__.py").write_text("WHOSE = 'the app'\n")
    (app / "tools" / "mine.py").write_text("")
    (app / "main.py").write_text(APP)
    result = subprocess.run(
        [str(scripts / "python"), "main.py"],
        cwd=app,
        capture_output=True,
        text=True,
        env={**environment(), "IMAGERAG_HOME": str(tmp_path / "home")},
        check=False,
    )
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout.splitlines()[-1])
    assert told["whose"] == "the app"
    assert Path(told["agent"]).is_relative_to(app)
    assert Path(told["tools"]).is_relative_to(app)
    assert Path(told["ours"]).is_relative_to(scripts.parent)
    assert Path(told["image"]).is_file()
    assert told["stop_reason"] == "satisfied"


def test_the_command_from_anywhere(scripts: Path, tmp_path: Path) -> None:
    """As pipx and uvx run it: an environment of its own, the command by its path, and any working directory."""
    command = shutil.which("imagerag", path=str(scripts))
    assert command is not None
    for arguments, said in (
        (["--version"], f"imagerag {imagerag.__version__}"),
        (["--help"], "usage: imagerag"),
        (["index", "status", "--json"], '"images"'),
    ):
        result = subprocess.run(
            [command, *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env={**environment(), "IMAGERAG_HOME": str(tmp_path / "home")},
            check=False,
        )
        assert (result.returncode, said in result.stdout) == (0, True), result.stdout + result.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"home"}, "nothing is written to the working directory"
