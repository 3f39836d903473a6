"""Whole runs take long: all of this folder is left out of ``make test-fast``."""

from pathlib import Path

import pytest

from imagerag.embedders.registry import embedded_clip
from imagerag.index.user.store import UserPictures


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def own(tmp_path: Path) -> UserPictures:
    """The pictures of a new data directory, embedded by the bundled CLIP."""
    return UserPictures(tmp_path / "home", embedded_clip())
