"""What tests of metrics share."""

from pathlib import Path

import pytest

from testing.tiny_vision_models import save_dino


@pytest.fixture(scope="session")
def dino(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny DINO."""
    return save_dino(tmp_path_factory.mktemp("dino"))
