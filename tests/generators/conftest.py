"""The embedded generator with the real library and text embedder."""

import pytest

from imagerag.assets.library import Library
from imagerag.embedders.registry import embedded_clip
from imagerag.generators.base import Reference
from imagerag.generators.patchwork import PatchworkGenerator
from testing.patchwork_requests import SIZE, STEPS, picture


@pytest.fixture(scope="session")
def library() -> Library:
    return Library()


@pytest.fixture(scope="session")
def patchwork(library: Library) -> PatchworkGenerator:
    return PatchworkGenerator(library, embedded_clip(), size=SIZE, steps=STEPS)


@pytest.fixture(scope="session")
def kimono(library: Library) -> Reference:
    """A picture that the base set lacks."""
    return picture(library, "kimono")
