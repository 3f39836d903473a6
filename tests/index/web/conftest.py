"""A web on loopback, and indexes that search it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from imagerag.embedders.calibration import LookupFloor
from imagerag.index.web.registry import open_web_source
from imagerag.index.web.web_index import WebIndex
from testing.colour_library import HUES, ColourEmbedder
from testing.web_server import Web, Work, patterned, serving_web, sources_at

FLOOR = LookupFloor("cosine", 0.8)
SOURCES = ("openverse", "commons", "met", "inaturalist")


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """Three red squares and a blue one that is called red, as well."""
    works = [Work(f"red-{number}", f"red square {number}", patterned(HUES["red"], number)) for number in range(3)]
    works.append(Work("liar", "red square", patterned(HUES["blue"], 9)))
    with serving_web(works) as served:
        for name, address in sources_at(served, *SOURCES).items():
            monkeypatch.setenv(name, address)
        yield served


@pytest.fixture
def index(tmp_path: Path) -> Callable[..., WebIndex]:
    """Makes an index of sources by their names."""

    def make(*names: str, **more: Any) -> WebIndex:
        sources = [open_web_source(name) for name in names]
        return WebIndex(sources, tmp_path, ColourEmbedder(), **({"fit": lambda: FLOOR} | more))

    return make
