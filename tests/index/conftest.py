"""A person's own pictures, embedded by the bundled CLIP."""

from pathlib import Path

import pytest

from imagerag.embedders.registry import embedded_clip
from imagerag.index.user.store import UserPictures


@pytest.fixture
def own(tmp_path: Path) -> UserPictures:
    return UserPictures(tmp_path / "home", embedded_clip())
