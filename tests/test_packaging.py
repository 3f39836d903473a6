"""What pyproject.toml and the hooks say, beside the tree: fast, without building anything."""

import ast
import importlib.metadata
import re
import shutil
import sys
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import imagerag

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "pyproject.toml").is_file())
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SETUPTOOLS = PROJECT["tool"]["setuptools"]

NOT_THE_PRODUCT = {"benchmarks", "docs", "examples", "testing", "tests", "training"}
"""Root folders with Python in them that no wheel has."""

BROUGHT_BY = {
    "anyio": "httpx", "httpcore": "httpx", "httpx2": "mcp", "mcp_types": "mcp", "referencing": "jsonschema",
    "timm": "open_clip_torch",
}  # fmt: skip
"""What a declared library's own interface is made of."""

CALLED = {"PIL": "pillow", "c2pa": "c2pa-python", "cv2": "opencv-python-headless", "open_clip": "open_clip_torch"}
"""Modules whose distributions have other names."""

OF_OTHER_ENVIRONMENTS = {"ImageReward", "hpsv3", "t2v_metrics"}
"""What pins versions that go with no extra; docs/evaluation-suites.md tells how to have it beside imagerag."""


def product_folders() -> dict[str, Path]:
    """Return every folder of the product with modules in it, by the name of the package that it is."""
    found = {"imagerag": ROOT / "imagerag"}
    for folder in ROOT.iterdir():
        if not folder.is_dir() or folder.name in {*NOT_THE_PRODUCT, "imagerag", "build", "dist", "out"}:
            continue
        if folder.name.startswith(".") or folder.is_symlink():
            continue
        for module in folder.rglob("*.py"):
            if "__pycache__" not in module.parts:
                found[".".join(("imagerag", *module.parent.relative_to(ROOT).parts))] = module.parent
    return found


def product_modules() -> Iterator[Path]:
    for folder in product_folders().values():
        yield from folder.glob("*.py")


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_package_is_listed_and_exists() -> None:
    assert sorted(SETUPTOOLS["packages"]) == sorted(product_folders())
    for name, folder in product_folders().items():
        assert (folder / "__init__.py").is_file(), f"{name} has no __init__.py"


def test_every_root_folder_has_its_place() -> None:
    wanted = {name: name.partition(".")[2] for name in SETUPTOOLS["packages"] if name.count(".") == 1}
    assert SETUPTOOLS["package-dir"] == {"imagerag": "imagerag", **wanted}


def test_links_of_a_checkout() -> None:
    """For type checkers; where they are, they lead to exactly the root folders of the product."""
    links = {path.name: path.readlink() for path in (ROOT / "imagerag").iterdir() if path.is_symlink()}
    if not links:
        pytest.skip("this checkout has no links")
    roots = {name.split(".")[1] for name in SETUPTOOLS["packages"] if "." in name}
    assert links == {name: Path("..", name) for name in roots}


def test_every_file_that_is_not_a_module_is_package_data() -> None:
    folders = product_folders()
    for name, folder in folders.items():
        inner = [place for place in folders.values() if folder in place.parents]
        files = [
            path
            for path in folder.rglob("*")
            if path.is_file()
            and path.suffix not in {".py", ".pyc"}
            and not any(place in path.parents for place in inner)
            and not (name == "imagerag" and any(part.is_symlink() for part in (path, *path.parents)))
        ]
        patterns = SETUPTOOLS["package-data"].get(name, [])
        for path in files:
            relative = path.relative_to(folder).as_posix()
            # As setuptools reads a pattern: "*" stays within a folder.
            fits = [p for p in patterns if fnmatch(relative, p) and p.count("/") == relative.count("/")]
            assert fits, f"{relative} of {name} is in no pattern of package-data"
        for pattern in patterns:
            assert any(folder.glob(pattern)), f"package-data {pattern!r} of {name} is no file"
    assert set(SETUPTOOLS["package-data"]) <= set(folders)


def test_the_version_is_in_one_place() -> None:
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert SETUPTOOLS["dynamic"]["version"] == {"attr": "imagerag.__version__"}
    assert re.fullmatch(r"\d+\.\d+\.\d+", imagerag.__version__)


@pytest.mark.slow
def test_every_library_that_is_imported_is_declared() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    declared = {
        normal(re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0])
        for requirements in (PROJECT["project"]["dependencies"], *extras.values())
        for requirement in requirements
    }
    for module in product_modules():
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            for name in names:
                root = name.partition(".")[0]
                if root not in sys.stdlib_module_names | OF_OTHER_ENVIRONMENTS and root != "imagerag":
                    library = BROUGHT_BY.get(root, CALLED.get(root, root))
                    assert normal(library) in declared, f"{module.relative_to(ROOT)} imports {root}"


@pytest.mark.slow
def test_one_version_of_every_library_is_locked() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    locked = dict(line.split("==") for line in lines if not line.startswith("#"))
    locked = {canonicalize_name(name): version for name, version in locked.items()}
    project = PROJECT["project"]
    extras = project["optional-dependencies"]
    extras = {name: extra for name, extra in extras.items() if name != "fuzz"}  # which goes with no studio
    for line in [*project["dependencies"], *(each for extra in extras.values() for each in extra)]:
        wanted = Requirement(line)
        assert wanted.specifier.contains(locked[canonicalize_name(wanted.name)]), f"{line}: run make lock"
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert f'".[{",".join(sorted(extras))}]"' in makefile, "make lock resolves every extra"


def test_no_module_of_one_system_alone() -> None:
    """``signal`` is everywhere; readline is asked for where there is a terminal, and done without."""
    one_system = {"fcntl", "grp", "msvcrt", "pty", "pwd", "resource", "syslog", "termios", "tty", "winreg"}
    for module in product_modules():
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            names = {alias.name for alias in node.names} if isinstance(node, ast.Import) else set()
            if isinstance(node, ast.ImportFrom):
                names = {str(node.module)}
            assert not names & one_system, module
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os":
                assert node.attr not in {"fork", "geteuid", "getuid", "killpg", "setsid", "mkfifo"}, module


def hooks() -> list[dict[str, Any]]:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    return [hook for repository in config["repos"] for hook in repository["hooks"]]


def test_hooks_fetch_nothing() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert [repository["repo"] for repository in config["repos"]] == ["local"]
    assert {hook["language"] for hook in hooks()} == {"system"}
    assert {"ruff-check", "ruff-format", "mypy", "floors", "dead-code"} <= {hook["id"] for hook in hooks()}


def test_hooks_run_commands_of_the_dev_extra() -> None:
    pytest.importorskip("pre_commit_hooks", reason="pip install 'imagerag[dev]'")
    commands = {entry.name for entry in importlib.metadata.entry_points(group="console_scripts")}
    beside = Path(sys.executable).parent
    for hook in hooks():
        command = hook["entry"].split()[0]
        assert command in commands or shutil.which(command, path=str(beside)), f"{command} is not installed"


def test_hooks_are_as_pre_commit_has_them() -> None:
    clientlib = pytest.importorskip("pre_commit.clientlib", reason="pip install 'imagerag[dev]'")
    clientlib.load_config(str(ROOT / ".pre-commit-config.yaml"))
