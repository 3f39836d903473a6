"""An index of a small library of coloured pictures."""

import shutil
from pathlib import Path

import pytest

from imagerag.assets.library import Library
from imagerag.index.bundled.chroma import ChromaIndex
from testing.colour_library import ColourEmbedder, write_library


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    path = tmp_path_factory.mktemp("library") / "library.parquet"
    write_library(path, 200)
    return Library(path)


@pytest.fixture(scope="session")
def built(library: Library, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a finished index, to copy from."""
    home = tmp_path_factory.mktemp("built")
    index = ChromaIndex(home, ColourEmbedder(), library=library)
    index.ensure_library()
    index.close()
    return home


@pytest.fixture
def home(built: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built, tmp_path / "home"))
