"""Tiny checkpoints of the diffusers pipelines, on disk."""

import importlib
from pathlib import Path

import pytest

from imagerag.generators.diffusion import edit
from imagerag.generators.diffusion.edit import large_enough
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
    """Let edit pipelines see references at 64 x 64: at their megapixel, a CPU convolves for minutes."""
    pipelines = "diffusers.pipelines"
    module = importlib.import_module(f"{pipelines}.qwenimage.pipeline_qwenimage_edit_plus")
    monkeypatch.setattr(module, "VAE_IMAGE_SIZE", 64 * 64)
    for name in ("qwenimage.pipeline_qwenimage_edit", "longcat_image.pipeline_longcat_image_edit"):
        module = importlib.import_module(f"{pipelines}.{name}")
        of_area = module.calculate_dimensions
        small = lambda _, ratio, of_area=of_area: of_area(64 * 64, ratio)  # noqa: E731
        monkeypatch.setattr(module, "calculate_dimensions", small)
    module = importlib.import_module(f"{pipelines}.joyimage.image_processor")
    monkeypatch.setattr(module, "find_best_bucket", lambda *_, **__: (32, 32))
    monkeypatch.setattr(edit, "large_enough", lambda image: large_enough(image, 64))
    monkeypatch.setattr(edit, "SQUARE_SIDE", 32)
