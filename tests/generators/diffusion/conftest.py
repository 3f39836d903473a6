"""Tiny checkpoints of the diffusers pipelines, on disk."""

import importlib
from pathlib import Path

import pytest

from testing import tiny_models as tiny


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("models")
    tiny.save_sd15(root / "sd15")
    tiny.save_sdxl(root / "sdxl")
    for kind in ("sd15", "sdxl"):
        model = tiny.unet_of(root / kind)
        for plus in (False, True):
            tiny.save_adapter(root / f"{kind}-adapter", model, plus)
    return root


@pytest.fixture(scope="session")
def family_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("families")


@pytest.fixture
def small_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Qwen-Image's pipeline see references at 64 x 64: at its megapixel, a CPU convolves for minutes."""
    module = importlib.import_module("diffusers.pipelines.qwenimage.pipeline_qwenimage_edit_plus")
    monkeypatch.setattr(module, "VAE_IMAGE_SIZE", 64 * 64)
