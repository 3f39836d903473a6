"""Whole runs take long: all of this folder is left out of ``make test-fast``."""

import os
import shutil
import subprocess
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from imagerag.embedders.registry import embedded_clip
from imagerag.index.user.store import UserPictures


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the current folder, where images land, be one of its own; what a test runs finds our packages there, too."""
    root = Path(__file__).parents[2]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH", "")])))
    monkeypatch.chdir(tmp_path_factory.mktemp("here"))


@pytest.fixture
def own(tmp_path: Path) -> UserPictures:
    """The pictures of a new data directory, embedded by the bundled CLIP."""
    return UserPictures(tmp_path / "home", embedded_clip())


@pytest.fixture(scope="session")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The interpreter of an environment with the adapter."""
    ready = os.environ.get("IMAGERAG_ADAPTER_PYTHON")
    if ready:
        return ready
    folder = tmp_path_factory.mktemp("adapter")
    venv.create(folder, with_pip=True)
    python = str(folder / "bin" / "python")
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "langchain-mcp-adapters<1"]
    result = subprocess.run(install, capture_output=True, text=True)
    if result.returncode:
        pytest.skip(f"langchain-mcp-adapters can't be installed here: {result.stderr[-300:]}")
    return python


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser; tests are skipped where there is none."""
    sync_api = pytest.importorskip("playwright.sync_api")
    pytest.importorskip("axe_playwright_python")
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("there is no Chromium on PATH")
    with sync_api.sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
